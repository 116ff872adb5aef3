#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/base/time_format.h"
#include "engine/sandbox/controllers/controller_host.h"

namespace sluice::sandbox {
namespace {

constexpr char kJobs[] = "jobs.batch";

// Pods until enough of them succeeded, or too many failed.
class JobController final : public Controller {
 public:
  std::vector<ObjectKey> Affected(const StoreEvent& event) const override {
    if (event.storage_key == kJobs && event.kind != EventKind::kDeleted)
      return {KeyOf(kJobs, *event.object)};
    if (event.storage_key != "pods") return {};
    const Json* owner = ControllerOf(*event.object);
    if (owner == nullptr || TextAt(*owner, {"kind"}) != "Job") return {};
    return {{kJobs, NamespaceOf(*event.object), TextAt(*owner, {"name"})}};
  }

  void Reconcile(const ObjectKey& key, ControllerContext& context) override {
    const ObjectPtr job = context.Get(kJobs, key.ns, key.name);
    if (job == nullptr || IsTerminating(*job)) return;
    if (Ended(*job)) return Expire(*job, key, context);
    Tally tally = Count(*job, context);
    const int64_t wanted = IntAt(*job, {"spec", "completions"}, 1);
    const int64_t limit = IntAt(*job, {"spec", "backoffLimit"}, 6);
    Json next = *job;
    Json& status = Ensure(next, {"status"});
    const bool suspended = BoolAt(*job, {"spec", "suspend"});
    if (suspended) {
      DeleteActive(*job, context);
      tally.active = 0;
      SetCondition(next, "Suspended", "True", "JobSuspended", "Job suspended");
    } else if (FindCondition(*job, "Suspended") != nullptr) {
      SetCondition(next, "Suspended", "False", "JobResumed", "Job resumed");
    }
    if (!suspended && !status.contains("startTime")) status["startTime"] = NowText();
    if (tally.failed > limit) {
      DeleteActive(*job, context);
      tally.active = tally.ready = 0;
      Fail(next, "BackoffLimitExceeded", "Job has reached the specified backoff limit");
      context.Tell(*job, "Warning", "BackoffLimitExceeded",
                   "Job has reached the specified backoff limit");
    } else if (PastDeadline(*job, key, context)) {
      DeleteActive(*job, context);
      tally.active = tally.ready = 0;
      Fail(next, "DeadlineExceeded", "Job was active longer than specified deadline");
      context.Tell(*job, "Warning", "DeadlineExceeded",
                   "Job was active longer than specified deadline");
    } else if (tally.succeeded >= wanted) {
      SetCondition(next, "SuccessCriteriaMet", "True", "CompletionsReached",
                   "Reached expected number of succeeded pods");
      SetCondition(next, "Complete", "True", "CompletionsReached",
                   "Reached expected number of succeeded pods");
      status["completionTime"] = NowText();
      context.Tell(*job, "Normal", "Completed", "Job completed");
    } else if (!suspended) {
      const int64_t parallelism = IntAt(*job, {"spec", "parallelism"}, 1);
      const int64_t room = std::min(parallelism, wanted - tally.succeeded) - tally.active;
      for (int64_t i = 0; i < room; ++i) tally.active += CreatePod(*job, context) ? 1 : 0;
    }
    WriteCounts(status, tally);
    context.UpdateStatus(kJobs, std::move(next));
  }

 private:
  struct Tally {
    int64_t active = 0, ready = 0, succeeded = 0, failed = 0;
  };

  static bool Ended(const Json& job) {
    for (const char* type : {"Complete", "Failed"}) {
      const Json* condition = FindCondition(job, type);
      if (condition != nullptr && TextAt(*condition, {"status"}) == "True") return true;
    }
    return false;
  }

  // ttlSecondsAfterFinished.
  static void Expire(const Json& job, const ObjectKey& key, ControllerContext& context) {
    const Json* ttl = Find(job, {"spec", "ttlSecondsAfterFinished"});
    if (ttl == nullptr) return;
    const Json* end = FindCondition(job, "Complete");
    if (end == nullptr) end = FindCondition(job, "Failed");
    const Result<SystemTime> since = ParseTime(TextAt(*end, {"lastTransitionTime"}));
    if (!since) return;
    const auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
    const Duration left = *since + std::chrono::seconds(ttl->get<int64_t>()) - now;
    if (left.count() > 0) return context.Later(left + Duration(10), key);
    context.Delete(kJobs, job);
  }

  static Tally Count(const Json& job, ControllerContext& context) {
    Tally tally;
    for (const ObjectPtr& pod : context.ControlledBy("pods", job)) {
      const std::string phase = TextAt(*pod, {"status", "phase"});
      if (phase == "Succeeded") ++tally.succeeded;
      if (phase == "Failed") ++tally.failed;
      if (!IsPodActive(*pod)) continue;
      ++tally.active;
      tally.ready += IsPodReady(*pod) ? 1 : 0;
    }
    return tally;
  }

  static void WriteCounts(Json& status, const Tally& tally) {
    const auto put = [&](const char* name, int64_t number) {
      if (number > 0) {
        status[name] = number;
      } else {
        status.erase(name);
      }
    };
    put("active", tally.active);
    put("succeeded", tally.succeeded);
    put("failed", tally.failed);
    status["ready"] = tally.ready;
    status["terminating"] = 0;
    status["uncountedTerminatedPods"] = Json::object();
  }

  static void Fail(Json& job, const std::string& reason, const std::string& message) {
    SetCondition(job, "FailureTarget", "True", reason, message);
    SetCondition(job, "Failed", "True", reason, message);
  }

  static bool PastDeadline(const Json& job, const ObjectKey& key, ControllerContext& context) {
    const int64_t seconds = IntAt(job, {"spec", "activeDeadlineSeconds"}, 0);
    const Result<SystemTime> start = ParseTime(TextAt(job, {"status", "startTime"}));
    if (seconds == 0 || !start) return false;
    const auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
    const Duration left = *start + std::chrono::seconds(seconds) - now;
    if (left.count() <= 0) return true;
    context.Later(left + Duration(10), key);
    return false;
  }

  static void DeleteActive(const Json& job, ControllerContext& context) {
    for (const ObjectPtr& pod : context.ControlledBy("pods", job)) {
      if (IsPodActive(*pod)) context.Delete("pods", *pod);
    }
  }

  static bool CreatePod(const Json& job, ControllerContext& context) {
    Json pod = PodFromTemplate(job, ObjectAt(job, {"spec", "template"}), Json::object());
    pod["metadata"]["generateName"] = NameOf(job) + "-";
    const ObjectPtr created = context.Create("pods", std::move(pod));
    if (created == nullptr) return false;
    context.Tell(job, "Normal", "SuccessfulCreate", "Created pod: " + NameOf(*created));
    return true;
  }
};

}  // namespace

std::unique_ptr<Controller> MakeJobController() { return std::make_unique<JobController>(); }

}  // namespace sluice::sandbox
