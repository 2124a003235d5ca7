//! What DataFusion and its parser report, as PostgreSQL reports it: kind, sentence, hint and position.

mod convert;
mod message;
mod syntax;

pub(crate) use convert::QUERY_LIMIT;
