//! The tables of ttapi, each a DataFusion `TableProvider`: cached, live, histories and views.

pub mod command;
pub mod comment;
pub mod context;
pub mod demand;
pub mod history;
pub mod inputs;
pub mod kept_view;
pub mod live;
pub mod lookup;
pub mod planner;
pub mod refreshing;
pub mod schemas;
mod symbol_rows;
pub mod view;
mod views;
