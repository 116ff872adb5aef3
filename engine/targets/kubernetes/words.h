// Reading a server's message. Pure.
#pragma once

#include <cctype>
#include <string>

namespace sluice::targets::kubernetes {

// `word` stands in the text, and not as a part of another name.
inline bool HasWord(const std::string& text, const std::string& word) {
  const auto is_part = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.';
  };
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const bool starts = at == 0 || !is_part(text[at - 1]);
    const size_t end = at + word.size();
    if (starts && (end >= text.size() || !is_part(text[end]))) return true;
  }
  return false;
}

}  // namespace sluice::targets::kubernetes
