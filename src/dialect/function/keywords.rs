//! The table function `pg_get_keywords()` lists the words of PostgreSQL 16's grammar, which drivers
//! and editors quote or colour.

use crate::dialect::parse::words::WORDS;
use datafusion::arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::{MemTable, TableFunctionImpl, TableProvider};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::Expr;
use std::sync::Arc;

/// The table function, registered in DataFusion under its name; its five columns are PostgreSQL's.
#[derive(Debug)]
pub(crate) struct Keywords;

impl TableFunctionImpl for Keywords {
    fn call(&self, arguments: &[Expr]) -> Result<Arc<dyn TableProvider>> {
        if !arguments.is_empty() {
            return plan_err!("pg_get_keywords takes no arguments");
        }
        let mut words: Vec<(&str, char, bool)> =
            WORDS.iter().flat_map(|(kind, bare, words)| words.split(' ').map(|word| (word, *kind, *bare))).collect();
        words.sort_unstable();
        let text = |values: Vec<String>| Arc::new(StringArray::from(values)) as ArrayRef;
        let columns = vec![
            text(words.iter().map(|(word, ..)| (*word).to_owned()).collect()),
            text(words.iter().map(|(_, kind, _)| kind.to_string()).collect()),
            Arc::new(BooleanArray::from(words.iter().map(|(.., bare)| *bare).collect::<Vec<_>>())) as ArrayRef,
            text(words.iter().map(|(_, kind, _)| described(*kind).to_owned()).collect()),
            text(
                words
                    .iter()
                    .map(|(.., bare)| (if *bare { "can be bare label" } else { "requires AS" }).to_owned())
                    .collect(),
            ),
        ];
        let kinds = [DataType::Utf8, DataType::Utf8, DataType::Boolean, DataType::Utf8, DataType::Utf8];
        let names = ["word", "catcode", "barelabel", "catdesc", "baredesc"];
        let fields: Vec<Field> =
            names.into_iter().zip(kinds).map(|(name, kind)| Field::new(name, kind, false)).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
        Ok(Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]])?))
    }
}

/// PostgreSQL's description of a category letter.
fn described(kind: char) -> &'static str {
    match kind {
        'C' => "unreserved (cannot be function or type name)",
        'R' => "reserved",
        'T' => "reserved (can be function or type name)",
        _ => "unreserved",
    }
}
