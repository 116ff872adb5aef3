#include "engine/io/tcp.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "engine/base/strings.h"
#include "engine/io/descriptor.h"
#include "engine/io/http_client.h"

namespace sluice {
namespace {

using AddressList = std::unique_ptr<addrinfo, void (*)(addrinfo*)>;

struct Endpoint {
  std::string host, port;
};

std::optional<Endpoint> ParseEndpoint(const std::string& address) {
  const auto colon = address.find_last_of(':');
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  Endpoint endpoint{address.substr(0, colon), address.substr(colon + 1)};
  if (endpoint.host.size() > 2 && endpoint.host.front() == '[' && endpoint.host.back() == ']') {
    endpoint.host = endpoint.host.substr(1, endpoint.host.size() - 2);
  } else if (endpoint.host.find(':') != std::string::npos) {
    return std::nullopt;
  }
  if (endpoint.port.empty() || endpoint.port.size() > 5 ||
      endpoint.port.find_first_not_of("0123456789") != std::string::npos) {
    return std::nullopt;
  }
  const int port = std::stoi(endpoint.port);
  return port >= 1 && port <= 65535 ? std::optional(endpoint) : std::nullopt;
}

addrinfo Hints(int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  return hints;
}

Error Ended(const std::string& address, const Call& call, const std::string& stage,
            std::string_view reason) {
  if (call.stop.stop_requested())
    return Error(ErrorCode::kCancelled, address + ": cancelled (" + stage + ")");
  return Error(ErrorCode::kDeadlineExceeded, std::string(reason),
               address + ": no time was left (" + stage + ")");
}

Error DnsError(const std::string& address, int error) {
  return Error(
      ErrorCode::kUnavailable, std::string(kReasonDnsFailed),
      address + ": the host name cannot be resolved (" + ToLower(gai_strerror(error)) + ")");
}

// getaddrinfo() cannot be interrupted: it runs on a thread that is left behind when the call ends
// before it.
Result<AddressList> Resolve(const std::string& address, const Endpoint& endpoint,
                            const Call& call) {
  const addrinfo numeric = Hints(AI_NUMERICHOST | AI_NUMERICSERV);
  addrinfo* found = nullptr;
  if (getaddrinfo(endpoint.host.c_str(), endpoint.port.c_str(), &numeric, &found) == 0)
    return AddressList(found, freeaddrinfo);

  struct Lookup {
    std::mutex mutex;
    std::condition_variable_any done;
    std::optional<int> error;
    AddressList addresses{nullptr, freeaddrinfo};
  };
  auto lookup = std::make_shared<Lookup>();  // shared with the thread, which may outlive this call
  std::thread([lookup, endpoint] {
    const addrinfo hints = Hints(AI_NUMERICSERV);
    addrinfo* list = nullptr;
    const int error = getaddrinfo(endpoint.host.c_str(), endpoint.port.c_str(), &hints, &list);
    const std::lock_guard lock(lookup->mutex);
    lookup->error = error;
    if (error == 0) lookup->addresses.reset(list);
    lookup->done.notify_all();
  }).detach();
  std::unique_lock lock(lookup->mutex);
  if (!lookup->done.wait_until(lock, call.stop, call.deadline,
                               [&] { return lookup->error.has_value(); })) {
    return Fail(Ended(address, call, "the host name was still being resolved", kReasonDnsFailed));
  }
  if (*lookup->error != 0) return Fail(DnsError(address, *lookup->error));
  return std::move(lookup->addresses);
}

Status ConnectTo(const std::string& address, const addrinfo& where, const Call& call, int wake) {
  const auto failed = [&](int error) {
    return Fail(ErrorCode::kUnavailable, std::string(kReasonConnectionFailed),
                address + ": " + ToLower(std::strerror(error)));
  };
  const Descriptor socket(
      ::socket(where.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, where.ai_protocol));
  if (socket.get() < 0) return failed(errno);
  if (connect(socket.get(), where.ai_addr, where.ai_addrlen) == 0) return {};
  if (errno != EINPROGRESS) return failed(errno);
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(call.deadline -
                                                                   std::chrono::steady_clock::now())
                          .count();
    if (left <= 0 || call.stop.stop_requested()) {
      return Fail(Ended(address, call, "the connection was not made", kReasonConnectionFailed));
    }
    pollfd waits[] = {{socket.get(), POLLOUT, 0}, {wake, POLLIN, 0}};
    if (poll(waits, 2, static_cast<int>(std::min<int64_t>(left, 60'000))) <= 0 ||
        waits[0].revents == 0)
      continue;
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return failed(error);
    return {};
  }
}

}  // namespace

Status ConnectTcp(const std::string& address, const Call& call) {
  const auto endpoint = ParseEndpoint(address);
  if (!endpoint)
    return Fail(ErrorCode::kInvalidArgument, "'" + EscapeControl(address) + "' is not host:port");
  if (call.stop.stop_requested() || call.deadline <= std::chrono::steady_clock::now()) {
    return Fail(Ended(address, call, "not tried", ""));
  }
  SLUICE_TRY(const AddressList addresses, Resolve(address, *endpoint, call));
  const Descriptor wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const std::stop_callback stopped(call.stop, [&] { eventfd_write(wake.get(), 1); });
  Status status = Fail(DnsError(address, EAI_NONAME));
  for (const addrinfo* where = addresses.get(); where; where = where->ai_next) {
    status = ConnectTo(address, *where, call, wake.get());
    if (status || status.error().code() != ErrorCode::kUnavailable) break;
  }
  return status;
}

}  // namespace sluice
