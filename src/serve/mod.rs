//! Front ends: what listens, and how rows and status leave the program.

pub mod http;
