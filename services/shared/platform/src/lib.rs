//! The plumbing under every service: database, outbox, feed, timers, gRPC edge, telemetry.
