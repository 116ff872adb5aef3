#include "engine/base/hash.h"
#include "engine/plan/plan_builder.h"

namespace sluice::plan {

// Reasons are words about the facts below and are left out, so that better wording does not void an
// approval. Unchanged objects are left out: what is done stays the same when one more object is
// looked at.
void SetDigest(Plan& plan, const std::string& hmac_key) {
  nlohmann::json facts = nlohmann::json::array();
  for (const Change& change : plan.changes) {
    if (change.action == Action::kUnchanged) continue;
    nlohmann::json fields = nlohmann::json::array();
    for (const FieldChange& field : change.fields)
      fields.push_back({field.path, field.before, field.after});
    const std::string secret =
        change.secret_digest.empty() || !hmac_key.empty() ? change.secret_digest : "key present";
    facts.push_back({change.target, ToString(change.action), change.api_version,
                     ToInventoryLine(change.ref), std::move(fields), secret});
  }
  nlohmann::json blockers = nlohmann::json::array();
  for (const PlanBlocker& blocker : plan.blockers)
    blockers.push_back({blocker.reason, blocker.message});
  const nlohmann::json all = {
      {"format", 1}, {"changes", std::move(facts)}, {"blockers", std::move(blockers)}};
  plan.digest = Sha256Hex(all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace sluice::plan
