//! What stands in the metadata of calls and of their errors.

/// The version of the protocol that is described here.
pub const PROTOCOL_VERSION: u32 = 1;

/// In the metadata of a call: the version of the protocol that the client speaks, in digits.
pub const PROTOCOL_METADATA: &str = "tokio-pulse-protocol";

/// In the trailing metadata of an error: its [`Reason`](crate::Reason).
pub const REASON_METADATA: &str = "tokio-pulse-reason";

/// In the trailing metadata of an error about a key of the configuration: the name of the key.
pub const KEY_METADATA: &str = "tokio-pulse-key";
