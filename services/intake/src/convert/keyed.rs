//! What every command of a person carries: its key and the version that was seen.

use hotline_proto::intake as pb;

/// A request that changes something.
pub trait Keyed {
    /// Same actor, same key: the same answer.
    fn key(&self) -> &str;

    /// The version that was seen, 0 for none.
    fn seen_version(&self) -> i64;
}

impl Keyed for pb::AcceptAppealRequest {
    fn key(&self) -> &str {
        &self.idempotency_key
    }

    fn seen_version(&self) -> i64 {
        self.expected_version
    }
}

impl Keyed for pb::AnswerAppealRequest {
    fn key(&self) -> &str {
        &self.idempotency_key
    }

    fn seen_version(&self) -> i64 {
        self.expected_version
    }
}

impl Keyed for pb::GuideAppealRequest {
    fn key(&self) -> &str {
        &self.idempotency_key
    }

    fn seen_version(&self) -> i64 {
        self.expected_version
    }
}

impl Keyed for pb::DivertAppealRequest {
    fn key(&self) -> &str {
        &self.idempotency_key
    }

    fn seen_version(&self) -> i64 {
        self.expected_version
    }
}

impl Keyed for pb::QuarantineAppealRequest {
    fn key(&self) -> &str {
        &self.idempotency_key
    }

    fn seen_version(&self) -> i64 {
        self.expected_version
    }
}

impl Keyed for pb::ReleaseAppealRequest {
    fn key(&self) -> &str {
        &self.idempotency_key
    }

    fn seen_version(&self) -> i64 {
        self.expected_version
    }
}

impl Keyed for pb::WithdrawAppealRequest {
    fn key(&self) -> &str {
        &self.idempotency_key
    }

    fn seen_version(&self) -> i64 {
        self.expected_version
    }
}

impl Keyed for pb::MergeMatterRequest {
    fn key(&self) -> &str {
        &self.idempotency_key
    }

    fn seen_version(&self) -> i64 {
        self.expected_version
    }
}

impl Keyed for pb::UnmergeMatterRequest {
    fn key(&self) -> &str {
        &self.idempotency_key
    }

    fn seen_version(&self) -> i64 {
        self.expected_version
    }
}

impl Keyed for pb::SplitAppealRequest {
    fn key(&self) -> &str {
        &self.idempotency_key
    }

    fn seen_version(&self) -> i64 {
        self.expected_version
    }
}
