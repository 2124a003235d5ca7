//! Everything SQL can name: cached tables, live tables, tables about the server, views.

pub mod context;
pub mod live;
pub mod refreshing;
pub mod sources;
pub mod system;
pub mod view;
