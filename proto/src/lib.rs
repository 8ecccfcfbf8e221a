//! The wire contract of hotline: messages, services and access rules.
//!
//! Start reading in `proto/hotline/event/v1/envelope.proto`. Everything below is generated at
//! build time by protox and tonic; nobody needs protoc.

pub mod access;
mod event_type;

/// Generated from `proto/hotline`.
#[allow(
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes,
    missing_docs,
    reason = "generated code"
)]
mod generated {
    pub mod audit {
        pub mod v1 {
            tonic::include_proto!("hotline.audit.v1");
        }
    }
    pub mod shared {
        pub mod v1 {
            tonic::include_proto!("hotline.shared.v1");
        }
    }
    pub mod event {
        pub mod v1 {
            tonic::include_proto!("hotline.event.v1");
        }
    }
    pub mod intake {
        pub mod v1 {
            tonic::include_proto!("hotline.intake.v1");
        }
    }
    pub mod routing {
        pub mod v1 {
            tonic::include_proto!("hotline.routing.v1");
        }
    }
    pub mod feedback {
        pub mod v1 {
            tonic::include_proto!("hotline.feedback.v1");
        }
    }
    pub mod gateway {
        pub mod v1 {
            tonic::include_proto!("hotline.gateway.v1");
        }
    }
    pub mod reporting {
        pub mod v1 {
            tonic::include_proto!("hotline.reporting.v1");
        }
    }
}

pub use generated::audit::v1 as audit;
pub use generated::event::v1 as event;
pub use generated::feedback::v1 as feedback;
pub use generated::gateway::v1 as gateway;
pub use generated::intake::v1 as intake;
pub use generated::reporting::v1 as reporting;
pub use generated::routing::v1 as routing;
pub use generated::shared::v1 as shared;

/// All descriptors, for reflection and for the test against breaking changes.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
