//! Front ends: what listens, and how rows and status leave the program.

pub mod http;
//! The front ends: they carry statements to the engine and rows to the client, and know no source and no file.

pub mod postgres;
