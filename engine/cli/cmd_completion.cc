#include "engine/cli/cmd_completion.h"

#include <cstdio>

#include "engine/cli/command_line.h"

namespace sluice::cli {
namespace {

std::string Flags(const CommandInfo& command) {
  std::string out;
  for (const auto& flag : command.flags) out += (out.empty() ? "" : " ") + flag.name;
  return out;
}

std::string Names(const std::vector<CommandInfo>& commands) {
  std::string out;
  for (const CommandInfo& command : commands) {
    if (!command.name.empty()) out += (out.empty() ? "" : " ") + command.name;
  }
  return out;
}

std::string Quoted(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return "'" + out + "'";
}

std::string Bash(const std::vector<CommandInfo>& commands) {
  std::string cases;
  for (const CommandInfo& command : commands) {
    if (!command.name.empty())
      cases += "    " + command.name + ") words=\"" + Flags(command) + "\" ;;\n";
  }
  return "_sluice() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} command= words word i\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    word=${COMP_WORDS[i]}\n"
         "    case $word in -c|--config|--log-format|--log-level) ((i++)) ;; -*) ;; *) "
         "command=$word; break ;; esac\n"
         "  done\n"
         "  case $command in\n"
         "    '') words=\"" +
         Names(commands) + " " + Flags(commands.front()) + "\" ;;\n" + cases +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$current\"))\n"
         "}\n"
         "complete -F _sluice sluice\n";
}

std::string Zsh(const std::vector<CommandInfo>& commands) {
  std::string names, cases;
  for (const CommandInfo& command : commands) {
    if (command.name.empty()) continue;
    names += "    " + Quoted(command.name + ":" + command.description) + "\n";
    cases += "    " + command.name + ") compadd -- " + Flags(command) + "; _files ;;\n";
  }
  return "#compdef sluice\n_sluice() {\n  local -a commands=(\n" + names +
         "  )\n  local word command\n  for word in ${words[2,CURRENT-1]}; do\n"
         "    (( ${commands[(I)$word:*]} )) && command=$word && break\n  done\n"
         "  case $command in\n    '') _describe command commands; compadd -- " +
         Flags(commands.front()) + " ;;\n" + cases + "  esac\n}\ncompdef _sluice sluice\n";
}

std::string Fish(const std::vector<CommandInfo>& commands) {
  std::string out;
  for (const CommandInfo& command : commands) {
    const std::string when =
        command.name.empty() ? "" : " -n " + Quoted("__fish_seen_subcommand_from " + command.name);
    if (!command.name.empty()) {
      out += "complete -c sluice -f -n __fish_use_subcommand -a " + command.name + " -d " +
             Quoted(command.description) + "\n";
    }
    for (const auto& flag : command.flags) {
      out += "complete -c sluice" + when + " -l " + flag.name.substr(2) +
             (flag.takes_value ? " -r" : "") + " -d " + Quoted(flag.description) + "\n";
    }
  }
  return out;
}

}  // namespace

int CompletionCommand(const std::string& shell) {
  const auto commands = DescribeCommands();
  const std::string script = shell == "bash"  ? Bash(commands)
                             : shell == "zsh" ? Zsh(commands)
                                              : Fish(commands);
  std::fputs(script.c_str(), stdout);
  return 0;
}

}  // namespace sluice::cli
