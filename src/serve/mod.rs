//! The front ends: they carry statements to the engine and rows to the client, and know no source and no file.

pub mod http;
pub mod postgres;
