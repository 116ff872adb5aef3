#include <deque>
#include <nlohmann/json.hpp>

#include "engine/sandbox/api_server.h"

namespace sluice::sandbox {
namespace {

std::string EventLine(const std::string& kind, const std::string& object) {
  return R"({"type":")" + kind + R"(","object":)" + object + "}\n";
}

std::string BookmarkLine(const ResourceType& type, View view, uint64_t revision, bool initial_end) {
  Json object = {{"kind", view == View::kMetadata ? "PartialObjectMetadata" : type.kind},
                 {"apiVersion", view == View::kMetadata ? "meta.k8s.io/v1" : type.ApiVersion()},
                 {"metadata",
                  {{"resourceVersion", std::to_string(revision)}, {"creationTimestamp", nullptr}}}};
  if (initial_end) object["metadata"]["annotations"] = {{"k8s.io/initial-events-end", "true"}};
  return EventLine("BOOKMARK", Dump(object));
}

std::string ExpiredLine(uint64_t wanted, uint64_t oldest) {
  ApiError error;
  error.code = 410;
  error.reason = "Expired";
  error.message =
      "too old resource version: " + std::to_string(wanted) + " (" + std::to_string(oldest) + ")";
  return EventLine("ERROR", Dump(ToStatus(error)));
}

}  // namespace

// One watch: events are queued until its stream begins, then written straight through. Thread-safe.
class WatchSession {
 public:
  WatchSession(TypePtr type, std::string ns, LabelAndFieldSelector selector, View view)
      : type_(std::move(type)), ns_(std::move(ns)), selector_(std::move(selector)), view_(view) {}

  // What an event means to this watcher: an object may enter or leave the selection.
  void Deliver(const StoreEvent& event) {
    if (event.storage_key != type_->StorageKey()) return;
    if (!ns_.empty() && NamespaceOf(*event.object) != ns_) return;
    const bool was = event.previous != nullptr && Matches(selector_, *event.previous);
    const bool is = event.kind != EventKind::kDeleted && Matches(selector_, *event.object);
    if (!was && !is) return;
    const char* kind = was && is ? "MODIFIED" : is ? "ADDED" : "DELETED";
    if (is || event.kind == EventKind::kDeleted) {
      Push(EventLine(kind, RenderObject(*type_, *event.object, view_)));
      return;
    }
    // Left the selection: the last matching state, with the revision of the change.
    Json last = *event.previous;
    last["metadata"]["resourceVersion"] = std::to_string(event.revision);
    Push(EventLine(kind, RenderObject(*type_, last, view_)));
  }
  void Push(std::string line) {
    const std::lock_guard lock(mutex_);
    if (stream_ == nullptr) {
      waiting_.push_back(std::move(line));
    } else if (!stream_->Write(std::move(line))) {
      ended_ = true;
    }
  }
  void Attach(std::shared_ptr<ResponseStream> stream) {
    const std::lock_guard lock(mutex_);
    stream_ = std::move(stream);
    for (std::string& line : waiting_) ended_ = !stream_->Write(std::move(line)) || ended_;
    waiting_.clear();
    if (ended_) stream_->Close();
  }
  void End() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    if (stream_ != nullptr) stream_->Close();
  }
  bool ended() const {
    const std::lock_guard lock(mutex_);
    return ended_ || (stream_ != nullptr && stream_->closed());
  }
  const ResourceType& type() const { return *type_; }
  const std::string& ns() const { return ns_; }
  const LabelAndFieldSelector& selector() const { return selector_; }
  View view() const { return view_; }

  bool wants_bookmarks = false;
  int observer = -1;  // guarded by the cluster's lock

 private:
  const TypePtr type_;
  const std::string ns_;
  const LabelAndFieldSelector selector_;
  const View view_;
  mutable std::mutex mutex_;
  std::shared_ptr<ResponseStream> stream_;
  std::deque<std::string> waiting_;
  bool ended_ = false;
};

ApiResult<HttpResponse> ApiServer::Watch(const HttpRequest& request, const RequestInfo& info,
                                         const TypePtr& type) {
  SANDBOX_TRY(LabelAndFieldSelector selector, ReadSelectors(info));
  const std::string revision_text = info.Query("resourceVersion");
  if (revision_text.find_first_not_of("0123456789") != std::string::npos ||
      revision_text.size() > 18) {
    return BadRequest("invalid resource version \"" + revision_text + "\"");
  }
  const uint64_t wanted = revision_text.empty() ? 0 : std::stoull(revision_text);
  const bool send_initial = info.QueryBool("sendInitialEvents");
  const bool from_now = wanted == 0;
  auto session =
      std::make_shared<WatchSession>(type, info.ns, std::move(selector), ReadView(request));
  session->wants_bookmarks = info.QueryBool("allowWatchBookmarks");
  {
    const std::lock_guard lock(cluster_.mutex);
    Store& store = cluster_.store;
    if (from_now || send_initial) {
      for (const ObjectPtr& object : store.List(type->StorageKey(), info.ns)) {
        if (Matches(session->selector(), *object)) {
          session->Push(EventLine("ADDED", RenderObject(*type, *object, session->view())));
        }
      }
      if (send_initial && session->wants_bookmarks) {
        session->Push(BookmarkLine(*type, session->view(), store.revision(), true));
      }
    } else if (wanted < store.oldest_revision()) {
      session->Push(ExpiredLine(wanted, store.oldest_revision()));
      session->End();
    } else {
      for (const StoreEvent& event : store.EventsAfter(wanted, type->StorageKey()))
        session->Deliver(event);
    }
    if (!session->ended()) {
      session->observer = store.Observe([&store, session](const StoreEvent& event) {
        session->Deliver(event);
        if (session->ended()) store.Unobserve(session->observer);
      });
    }
  }
  KeepWatching(session);
  const std::string timeout = info.Query("timeoutSeconds");
  if (!timeout.empty() && timeout.size() < 8 &&
      timeout.find_first_not_of("0123456789") == std::string::npos) {
    timers_.After(std::chrono::seconds(std::stol(timeout)),
                  [weak = std::weak_ptr<WatchSession>(session)] {
                    if (const auto alive = weak.lock()) alive->End();
                  });
  }
  HttpResponse response;
  response.headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-cache, private"}};
  response.start_stream = [session](std::shared_ptr<ResponseStream> stream) {
    session->Attach(std::move(stream));
  };
  return response;
}

// Sends bookmarks, and forgets the session once its client is gone.
void ApiServer::KeepWatching(const std::shared_ptr<WatchSession>& session) {
  timers_.After(bookmark_interval_, [this, weak = std::weak_ptr<WatchSession>(session)] {
    const std::shared_ptr<WatchSession> alive = weak.lock();
    if (alive == nullptr) return;
    const std::lock_guard lock(cluster_.mutex);
    if (alive->ended()) {
      if (alive->observer >= 0) cluster_.store.Unobserve(alive->observer);
      return;
    }
    if (alive->wants_bookmarks) {
      alive->Push(BookmarkLine(alive->type(), alive->view(), cluster_.store.revision(), false));
    }
    KeepWatching(alive);
  });
}

}  // namespace sluice::sandbox
