// libcurl's multi interface, driven by socket events (epoll) on one thread: the cost of a request
// does not grow with the number of idle connections, as it does with curl_multi_perform. Callers
// hand a Batch to the thread and wait on it; everything of curl is touched by that thread alone.
#include <curl/curl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>

#include "engine/base/guarded.h"
#include "engine/base/time_format.h"
#include "engine/io/curl_batch.h"
#include "engine/io/curl_transfer.h"

namespace sluice {
namespace {

enum class Order { kStart, kCancel, kWake };
struct Message {
  Order order;
  std::shared_ptr<Batch> batch;
};

class CurlHttpClient final : public HttpClient {
 public:
  explicit CurlHttpClient(CurlOptions options) : options_(std::move(options)) {}
  ~CurlHttpClient() override;
  Status Start();

  Result<HttpResponse> Send(const HttpRequest& request, const Call& call) override;
  std::vector<Result<HttpResponse>> SendAll(const std::vector<HttpRequest>& requests,
                                            const Call& call) override;

 private:
  struct Ticket {
    std::shared_ptr<Batch> batch;
    size_t index = 0;
  };

  std::vector<Result<HttpResponse>> Await(std::vector<const HttpRequest*> requests,
                                          const Call& call);
  void Post(Order order, std::shared_ptr<Batch> batch);

  // All below runs on the I/O thread.
  void Loop(std::stop_token stop);
  void TakeInbox();
  void StartQueued();
  void StartTransfer(Ticket ticket);
  void FinishTransfer(const Ticket& ticket, Result<HttpResponse> result);
  void EndBatch(const std::shared_ptr<Batch>& batch, ErrorCode code, const std::string& why);
  void ReapFinished();
  void Schedule(const std::shared_ptr<Batch>& batch);
  void CheckTimers();
  int EpollTimeout() const;
  static int SocketCallback(CURL* easy, curl_socket_t socket, int what, void* self,
                            void* socket_data);
  static int TimerCallback(CURLM* multi, long timeout_ms, void* self);

  const CurlOptions options_;
  Guarded<std::deque<Message>> inbox_;
  int wake_fd_ = -1;

  CURLM* multi_ = nullptr;
  int epoll_fd_ = -1;
  std::optional<SteadyTime> curl_due_;
  int in_flight_ = 0;
  std::deque<Ticket> queue_;
  std::unordered_map<CURL*, Ticket> running_;
  std::vector<CURL*> idle_handles_;
  BatchTimers timers_;

  std::jthread thread_;  // last: it uses all of the above
};

Status CurlHttpClient::Start() {
  static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (global != CURLE_OK) return Fail(ErrorCode::kInternal, "libcurl cannot be initialised");
  multi_ = curl_multi_init();
  epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event wake{.events = EPOLLIN, .data = {.fd = wake_fd_}};
  if (!multi_ || epoll_fd_ < 0 || wake_fd_ < 0 ||
      epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &wake) != 0) {
    return Fail(ErrorCode::kInternal,
                std::string("no HTTP client can be set up: ") + std::strerror(errno));
  }
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, 2L * options_.max_in_flight);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlHttpClient::SocketCallback);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlHttpClient::TimerCallback);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  thread_ = std::jthread([this](std::stop_token stop) { Loop(std::move(stop)); });
  return {};
}

CurlHttpClient::~CurlHttpClient() {
  if (thread_.joinable()) {
    thread_.request_stop();
    Post(Order::kWake, nullptr);
    thread_.join();
  }
  for (CURL* easy : idle_handles_) curl_easy_cleanup(easy);
  if (multi_) curl_multi_cleanup(multi_);
  if (wake_fd_ >= 0) close(wake_fd_);
  if (epoll_fd_ >= 0) close(epoll_fd_);
}

void CurlHttpClient::Post(Order order, std::shared_ptr<Batch> batch) {
  inbox_.With([&](auto& inbox) { inbox.push_back({order, std::move(batch)}); });
  const uint64_t one = 1;
  (void)!write(wake_fd_, &one, sizeof one);
}

// The error of a call that is over before it starts.
std::optional<Error> EndedBefore(const HttpRequest& request, const Call& call) {
  if (call.stop.stop_requested())
    return Error(ErrorCode::kCancelled, Describe(request) + ": cancelled before it was sent");
  if (call.deadline <= std::chrono::steady_clock::now()) {
    return Error(ErrorCode::kDeadlineExceeded, Describe(request) + ": no time was left to send it");
  }
  return std::nullopt;
}

std::vector<Result<HttpResponse>> CurlHttpClient::Await(std::vector<const HttpRequest*> requests,
                                                        const Call& call) {
  std::vector<Result<HttpResponse>> results;
  results.reserve(requests.size());
  if (requests.empty()) return results;
  if (EndedBefore(*requests.front(), call)) {
    for (const HttpRequest* request : requests)
      results.emplace_back(Fail(*EndedBefore(*request, call)));
    return results;
  }
  auto batch = std::make_shared<Batch>(std::move(requests), call);
  Post(Order::kStart, batch);
  {
    const std::stop_callback cancel(call.stop, [&] { Post(Order::kCancel, batch); });
    std::unique_lock lock(batch->mutex);
    batch->changed.wait(lock, [&] { return batch->remaining == 0; });
  }
  for (auto& result : batch->results) results.push_back(std::move(*result));
  return results;
}

Result<HttpResponse> CurlHttpClient::Send(const HttpRequest& request, const Call& call) {
  return std::move(Await({&request}, call).front());
}

std::vector<Result<HttpResponse>> CurlHttpClient::SendAll(const std::vector<HttpRequest>& requests,
                                                          const Call& call) {
  std::vector<const HttpRequest*> all;
  for (const HttpRequest& request : requests) all.push_back(&request);
  return Await(std::move(all), call);
}

void CurlHttpClient::Loop(std::stop_token stop) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all,
                  nullptr);  // SIGPIPE above all: OpenSSL writes to sockets that may be closed
  std::array<epoll_event, 64> events;
  while (!stop.stop_requested()) {
    TakeInbox();
    StartQueued();
    const int count =
        epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()), EpollTimeout());
    int running = 0;
    for (int i = 0; i < count; ++i) {
      const auto& event = events.at(static_cast<size_t>(i));
      if (event.data.fd == wake_fd_) {
        uint64_t ignored = 0;
        (void)!read(wake_fd_, &ignored, sizeof ignored);
        continue;
      }
      const int what = ((event.events & EPOLLIN) ? CURL_CSELECT_IN : 0) |
                       ((event.events & EPOLLOUT) ? CURL_CSELECT_OUT : 0) |
                       ((event.events & (EPOLLERR | EPOLLHUP)) ? CURL_CSELECT_ERR : 0);
      curl_multi_socket_action(multi_, event.data.fd, what, &running);
    }
    if (curl_due_ && *curl_due_ <= std::chrono::steady_clock::now()) {
      curl_due_.reset();
      curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    ReapFinished();
    CheckTimers();
  }
  std::vector<std::shared_ptr<Batch>> open;
  for (const auto& [easy, ticket] : running_) open.push_back(ticket.batch);
  for (const Ticket& ticket : queue_) open.push_back(ticket.batch);
  for (const auto& batch : open)
    EndBatch(batch, ErrorCode::kCancelled, "the HTTP client was closed");
}

void CurlHttpClient::TakeInbox() {
  auto messages = inbox_.With([](auto& inbox) { return std::exchange(inbox, {}); });
  for (auto& [order, batch] : messages) {
    if (!batch) continue;
    switch (order) {
      case Order::kStart:
        Schedule(batch);
        for (size_t i = 0; i < batch->requests.size(); ++i) queue_.push_back({batch, i});
        break;
      case Order::kCancel:
        EndBatch(batch, ErrorCode::kCancelled, "cancelled");
        break;
      case Order::kWake:
        break;
    }
  }
}

void CurlHttpClient::StartQueued() {
  while (!queue_.empty() && in_flight_ < options_.max_in_flight) {
    Ticket ticket = std::move(queue_.front());
    queue_.pop_front();
    if (!ticket.batch->is_finished[ticket.index]) StartTransfer(std::move(ticket));
  }
}

void CurlHttpClient::StartTransfer(Ticket ticket) {
  Batch& batch = *ticket.batch;
  CURL* easy = nullptr;
  if (idle_handles_.empty()) {
    easy = curl_easy_init();
  } else {
    easy = idle_handles_.back();
    idle_handles_.pop_back();
  }
  auto transfer = std::make_unique<CurlTransfer>(easy, *batch.requests[ticket.index], options_);
  if (auto status = transfer->Prepare(); !status) {
    idle_handles_.push_back(easy);
    FinishTransfer(ticket, Fail(std::move(status).error()));
    return;
  }
  batch.active[ticket.index] = std::move(transfer);
  ++in_flight_;
  if (batch.requests[ticket.index]->idle_timeout.count() > 0) Schedule(ticket.batch);
  running_.emplace(easy, std::move(ticket));
  curl_multi_add_handle(multi_, easy);
}

void CurlHttpClient::FinishTransfer(const Ticket& ticket, Result<HttpResponse> result) {
  Batch& batch = *ticket.batch;
  if (batch.is_finished[ticket.index]) return;
  if (auto& transfer = batch.active[ticket.index]) {
    CURL* easy = transfer->easy();
    curl_multi_remove_handle(multi_, easy);
    transfer.reset();
    idle_handles_.push_back(easy);
    --in_flight_;
    running_.erase(easy);
  }
  batch.is_finished[ticket.index] = true;
  if (++batch.finished == batch.active.size() && batch.timer) {
    timers_.erase(*batch.timer);
    batch.timer.reset();
  }
  batch.Finish(ticket.index, std::move(result));
}

void CurlHttpClient::EndBatch(const std::shared_ptr<Batch>& batch, ErrorCode code,
                              const std::string& why) {
  for (size_t i = 0; i < batch->requests.size(); ++i) {
    if (batch->is_finished[i]) continue;
    const auto& transfer = batch->active[i];
    Error error = transfer ? transfer->GaveUp(code, why)
                           : Error(code, Describe(*batch->requests[i]) + ": " + why +
                                             " (it was still waiting for one of " +
                                             std::to_string(options_.max_in_flight) + " places)");
    FinishTransfer({batch, i}, Fail(std::move(error)));
  }
}

void CurlHttpClient::ReapFinished() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* easy = message->easy_handle;
    const CURLcode code = message->data.result;
    const Ticket ticket = running_.at(easy);
    CurlTransfer& transfer = *ticket.batch->active[ticket.index];
    if (code == CURLE_OK) {
      FinishTransfer(ticket, std::move(transfer.response()));
    } else if (transfer.MayRepeat(code)) {
      curl_multi_remove_handle(multi_, easy);
      transfer.PrepareAgain();
      curl_multi_add_handle(multi_, easy);
    } else {
      FinishTransfer(ticket, Fail(transfer.Explain(code)));
    }
  }
}

// Sets the batch's one timer to the next moment something may have to end: its deadline, or a
// silence.
void CurlHttpClient::Schedule(const std::shared_ptr<Batch>& batch) {
  SteadyTime due = batch->deadline;
  for (const auto& transfer : batch->active) {
    if (!transfer || transfer->request().idle_timeout.count() <= 0) continue;
    due = std::min(due, transfer->last_activity() + transfer->request().idle_timeout);
  }
  if (batch->timer) timers_.erase(*batch->timer);
  batch->timer = timers_.emplace(due, batch);
}

void CurlHttpClient::CheckTimers() {
  const SteadyTime now = std::chrono::steady_clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const std::shared_ptr<Batch> batch = timers_.begin()->second;
    if (batch->deadline <= now) {
      const auto waited = std::chrono::duration_cast<Duration>(now - batch->start);
      EndBatch(batch, ErrorCode::kDeadlineExceeded, "no answer within " + FormatDuration(waited));
      continue;
    }
    for (size_t i = 0; i < batch->active.size(); ++i) {
      const auto& transfer = batch->active[i];
      const Duration limit = batch->requests[i]->idle_timeout;
      if (!transfer || limit.count() <= 0 || transfer->last_activity() + limit > now) continue;
      FinishTransfer({batch, i},
                     Fail(transfer->GaveUp(ErrorCode::kUnavailable,
                                           "nothing came for " + FormatDuration(limit))));
    }
    if (batch->unfinished() > 0) Schedule(batch);
  }
}

int CurlHttpClient::EpollTimeout() const {
  std::optional<SteadyTime> due = curl_due_;
  if (!timers_.empty() && (!due || timers_.begin()->first < *due)) due = timers_.begin()->first;
  if (!due) return -1;
  const auto wait =
      std::chrono::ceil<std::chrono::milliseconds>(*due - std::chrono::steady_clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(wait, 0, 60'000));
}

int CurlHttpClient::SocketCallback(CURL*, curl_socket_t socket, int what, void* self, void*) {
  const int epoll_fd = static_cast<CurlHttpClient*>(self)->epoll_fd_;
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(epoll_fd, EPOLL_CTL_DEL, socket, nullptr);
    return 0;
  }
  epoll_event event{.events = 0, .data = {.fd = socket}};
  if (what & CURL_POLL_IN) event.events |= EPOLLIN;
  if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
  if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, socket, &event) != 0 && errno == ENOENT) {
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, socket, &event);
  }
  return 0;
}

int CurlHttpClient::TimerCallback(CURLM*, long timeout_ms, void* self) {
  auto& due = static_cast<CurlHttpClient*>(self)->curl_due_;
  due.reset();
  if (timeout_ms >= 0)
    due = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  return 0;
}

}  // namespace

std::string HttpResponse::Header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

Result<std::unique_ptr<HttpClient>> MakeCurlHttpClient(CurlOptions options) {
  auto client = std::make_unique<CurlHttpClient>(std::move(options));
  SLUICE_CHECK(client->Start());
  return std::unique_ptr<HttpClient>(std::move(client));
}

}  // namespace sluice
