//! The network side of the collectors: HTTP with OAuth2, circuit breaker, retry and rate budget; WebSocket.
