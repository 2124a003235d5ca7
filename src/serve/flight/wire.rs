//! Messages of `Flight.proto` about sessions, which the protocol's crate does not generate.

use std::collections::HashMap;

/// A value of a session option; none unsets the option.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SessionOptionValue {
    /// The value in one of five types; `None` resets the option.
    #[prost(oneof = "OptionValue", tags = "1, 2, 3, 4, 5")]
    pub option_value: Option<OptionValue>,
}

/// The kinds of values an option may have.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum OptionValue {
    /// UTF-8 text, as GetSessionOptions gives every value.
    #[prost(string, tag = "1")]
    Text(String),
    /// True or false, which a setting reads as `on` or `off`.
    #[prost(bool, tag = "2")]
    Boolean(bool),
    /// A signed integer of 64 bits, fixed length on the wire.
    #[prost(sfixed64, tag = "3")]
    Integer(i64),
    /// A floating point number of 64 bits.
    #[prost(double, tag = "4")]
    Double(f64),
    /// A list of texts, which a setting reads joined with commas.
    #[prost(message, tag = "5")]
    Texts(StringListValue),
}

/// The list of texts within a session option; protobuf's `oneof` cannot repeat a field itself.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StringListValue {
    /// The texts in the client's order.
    #[prost(string, repeated, tag = "1")]
    pub values: Vec<String>,
}

/// The body of the action `SetSessionOptions`: values by name of the option.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SetSessionOptionsRequest {
    /// Values to set, by name of the option.
    #[prost(map = "string, message", tag = "1")]
    pub session_options: HashMap<String, SessionOptionValue>,
}

/// Why an option was not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum ErrorValue {
    /// No reason is known.
    Unspecified = 0,
    /// There is no such option.
    InvalidName = 1,
    /// The option does not take this value.
    InvalidValue = 2,
    /// The engine refuses the value for any other reason.
    Error = 3,
}

/// The reason why one option was not set.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OptionError {
    /// An [`ErrorValue`] as its number.
    #[prost(enumeration = "ErrorValue", tag = "1")]
    pub value: i32,
}

/// Result of the action `SetSessionOptions`: the options that were not set.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SetSessionOptionsResult {
    /// Options that were not set, by name, with the reason; empty when all were.
    #[prost(map = "string, message", tag = "1")]
    pub errors: HashMap<String, OptionError>,
}

/// The result of the action `GetSessionOptions`: every setting of the session.
#[derive(Clone, PartialEq, prost::Message)]
pub struct GetSessionOptionsResult {
    /// Every setting in force, by name, as text.
    #[prost(map = "string, message", tag = "1")]
    pub session_options: HashMap<String, SessionOptionValue>,
}

/// What CloseSession did to the session, as Flight numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum CloseStatus {
    /// The server says nothing about it; this server never answers with it.
    Unspecified = 0,
    /// The session is closed: what it had set is gone. The only status this server answers with.
    Closed = 1,
    /// It is being closed.
    Closing = 2,
    /// It cannot be closed.
    NotCloseable = 3,
}

/// The result of the action `CloseSession`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CloseSessionResult {
    /// A [`CloseStatus`] as its number.
    #[prost(enumeration = "CloseStatus", tag = "1")]
    pub status: i32,
}
