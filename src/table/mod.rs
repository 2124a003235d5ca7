//! Everything SQL can name: tables over the lake and the live books, and views over both.

pub mod live;
pub mod view;
