"""What holds at the end of every world, whatever happened in it. Each check returns what is wrong, one line each."""

import re
import subprocess

OUTCOMES = ("succeeded", "failed", "cancelled", "superseded", "removed")
CRASHES = re.compile(r"Sanitizer|runtime error:|terminate called|Segmentation fault|Assertion|reason=Internal(Error)?\b"
                     r"|level=error.*msg=pass_failed.*reason=Internal")
KINDS = ("Deployment", "Service", "ConfigMap")


def all_of(world):
    checks = (live_equals_git, nothing_else_is_live, log_is_linear_and_readable, starts_have_ends, failures_stay_failures,
              one_revert_a_failure, promotions_once, no_write_without_lease, engines_are_well)
    return [f"{check.__name__}: {line}" for check in checks for line in shortened(check(world))]


def shortened(lines, most=8):
    return lines[:most] + ([f"… and {len(lines) - most} more"] if len(lines) > most else [])


def differences(declared, live, at=""):
    """Where `live` lacks what is declared."""
    if isinstance(declared, dict):
        if not isinstance(live, dict):
            return [f"{at}: {live!r}, declared {declared!r}"]
        return [line for key, value in declared.items() for line in differences(value, live.get(key), f"{at}/{key}")]
    if isinstance(declared, list):
        if not isinstance(live, list) or len(live) != len(declared):
            return [f"{at}: {live!r}, declared {declared!r}"]
        return [line for i, value in enumerate(declared) for line in differences(value, live[i], f"{at}/{i}")]
    return [] if declared == live else [f"{at}: {live!r}, declared {declared!r}"]


def live_equals_git(world):
    wrong = []
    for unit in world.units():
        environment, _, name = unit.partition("/")
        live = {kind: world.live(environment, kind) for kind in KINDS}
        for item in world.declared(unit):
            found = live[item["kind"]].get(item["metadata"]["name"])
            what = f"{unit} {item['kind']} {item['metadata']['name']}"
            if found is None:
                wrong.append(f"{what} is not there")
                continue
            wrong += differences(item, found, what)
            # Each version of the settings has a key of its own, so that what a rollback leaves is seen.
            wrong += [f"{what}: key {key} is live and not declared" for key in found.get("data", {}) if key not in item["data"]]
    return wrong


def nothing_else_is_live(world):
    """What carries a unit's mark and is declared by none was not pruned."""
    wrong = []
    declared = {(unit.partition("/")[0], item["kind"], item["metadata"]["name"])
                for unit in world.units() for item in world.declared(unit)}
    for environment in ("dev", "staging", "prod"):
        for kind in KINDS:
            wrong += [f"{environment}: {kind} {name} is live and not declared" for name in world.live(environment, kind)
                      if (environment, kind, name) not in declared and (environment, kind, name) not in world.kept]
    return wrong


def log_is_linear_and_readable(world):
    wrong = []
    lines = world.repo.git("rev-list", "--parents", "deployments").splitlines()
    wrong += [f"{line.split()[0]} has {len(line.split()) - 1} parents" for line in lines[:-1] if len(line.split()) != 2]
    if len(lines[-1].split()) != 1:
        wrong.append("the first commit has a parent")
    damage = subprocess.run(["git", "-C", world.repo.origin, "fsck", "--no-dangling"], env=world.repo.environment,
                            capture_output=True, text=True)
    if damage.returncode != 0:
        wrong.append(f"git fsck: {damage.stderr.strip()}")
    yaml = world.operator_yaml()
    for command in (["log", "-o", "json"], ["status", "-o", "json"]):
        ran = subprocess.run([world.sluice, "-c", yaml, *command], env=world.environment, capture_output=True, text=True)
        if ran.returncode != 0:
            wrong.append(f"sluice {command[0]} exits {ran.returncode}: {ran.stderr.strip()[-300:]}")
    return wrong


def by_rollout(world):
    found = {}
    for event in world.repo.events():
        if event.unit and event.rollout:
            found.setdefault((event.unit, event.rollout), []).append(event)
    return found


def starts_have_ends(world):
    wrong = []
    for (unit, rollout), events in by_rollout(world).items():
        kinds = [e.kind for e in events]
        ends = [k for k in kinds if k in OUTCOMES]
        if "started" in kinds and not ends:
            wrong.append(f"{unit}: rollout {rollout} started and has no end: {' '.join(kinds)}")
        # A rollback yields to newer content; its rollout stays Failed.
        if len(set(ends)) > 1 and set(ends) not in ({"succeeded", "removed"}, {"failed", "superseded"}):
            wrong.append(f"{unit}: rollout {rollout} has more than one end: {' '.join(kinds)}")
    return wrong


def failures_stay_failures(world):
    """Nothing is tried again after its verdict, and nothing that failed Succeeds."""
    wrong, failed = [], {}
    for event in world.repo.events():
        key = (event.unit, event.trailers.get("Fingerprint"))
        if event.kind == "failed":
            if key in failed:
                wrong.append(f"{event.unit}: {event.commit[:10]} fails again what {failed[key][:10]} failed")
            failed[key] = event.commit
        if event.kind in ("started", "succeeded") and key in failed:
            wrong.append(f"{event.unit}: {event.commit[:10]} {event.kind} after {failed[key][:10]} failed it")
    for unit, tag in world.expected_failures:
        if not world.has_outcome(unit, tag, "failed"):
            wrong.append(f"{unit}: {tag} is bad and has no verdict")
    return wrong


def one_revert_a_failure(world):
    """Each verdict has one `reverted` event and one commit that takes the content back; nothing else is reverted."""
    wrong = []
    for unit in {e.unit for e in world.repo.events() if e.unit}:
        events = world.repo.events(unit)
        reverts = [e for e in events if e.kind == "reverted"]
        commits = [c for c in world.repo.commits(f"environments/{unit}") if "Reverts" in c.trailers]
        for failure in events:
            if failure.kind != "failed" or failure.trailers.get("Reason") == "NoLastKnownGood":
                continue
            count = sum(e.rollout == failure.rollout for e in reverts)
            may_lack = any(u == unit and tag in failure.trailers.get("Release", "").split() for u, tag in world.overtaken)
            if count != 1 and not (may_lack and count == 0):
                wrong.append(f"{unit}: rollout {failure.rollout} failed and has {count} reverted events")
        failed = {e.rollout for e in events if e.kind == "failed"}
        wrong += [f"{unit}: {e.commit[:10]} reverts rollout {e.rollout}, which did not fail" for e in reverts
                  if e.rollout not in failed]
        operations = [c.trailers.get("Operation") for c in commits]
        if sorted(operations) != sorted(e.trailers.get("Operation") for e in reverts):
            wrong.append(f"{unit}: revert commits {operations} are not those of the {len(reverts)} reverted events")
    return wrong


def promotions_once(world):
    wrong, seen = [], {}
    for event in world.repo.events():
        if event.kind == "promoted":
            key = (event.unit, event.trailers.get("Promoted-Release"))
            if key in seen:
                wrong.append(f"{event.unit}: {key[1]} is promoted by {seen[key][:10]} and {event.commit[:10]}")
            seen[key] = event.commit
    for unit in world.units():
        commits = [c.trailers["Operation"] for c in world.repo.commits(f"environments/{unit}")
                   if "Operation" in c.trailers and "Reverts" not in c.trailers]
        events = [e.trailers.get("Operation") for e in world.repo.events(unit) if e.kind == "promoted"]
        for operation in set(commits):
            if commits.count(operation) != 1 or operation not in events:
                wrong.append(f"{unit}: {operation} has {commits.count(operation)} commits, {events.count(operation)} events")
        # The event is written first: killed in between, the next process promotes what is newest by then.
        if events and events[-1] not in commits:
            wrong.append(f"{unit}: the last promotion, {events[-1]}, has no commit")
    return wrong


def no_write_without_lease(world):
    """Nothing lands that an engine sent after another had taken the lease."""
    wrong, tenures = [], world.repo.tenures()
    for engine in world.engines:
        for write in engine.api.landed():
            holder = next((t for t in tenures if t[0] <= write.sent and (t[1] is None or write.sent < t[1])), None)
            if holder and holder[2] != engine.id:
                wrong.append(f"{engine.name} ({engine.id}) wrote {write.method} {write.path} {write.sent - holder[0]:.1f} s after "
                             f"{holder[2]} took the lease")
    return wrong


def engines_are_well(world):
    wrong = []
    for engine in world.engines:
        wrong += [f"{engine.name} ended by itself: {code}" for code in engine.endings]
        wrong += [f"{engine.name}: {line[:300]}" for line in engine.log().splitlines() if CRASHES.search(line)][:5]
    return wrong
