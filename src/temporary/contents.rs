//! What a session has made for itself: its temporary tables and views at one moment.
//!
//! A change makes new contents and leaves the old, so that a transaction that is rolled back has the old ones back.

use super::rows::Rows;
use crate::error::{ErrorKind, QueryError};
use crate::heap::Promise;
use arrow::datatypes::SchemaRef;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::sqlparser::ast;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Temporary tables and views that one session may have.
const RELATIONS_MAX: usize = 1_000;

/// The temporary tables and views of a session by their names. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contents(Arc<BTreeMap<String, Relation>>);

/// A temporary table or view.
#[derive(Debug, Clone)]
pub(crate) enum Relation {
    /// It has rows of its own.
    Table(Arc<Table>),
    /// It stands for a query.
    View(Arc<View>),
}

/// A temporary table: what was declared, and its rows.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// Tells it from an earlier table of the same name.
    pub(crate) id: u64,
    /// What was declared of each column, in order.
    pub(crate) columns: Arc<[Column]>,
    /// Names and types of the columns.
    pub(crate) schema: SchemaRef,
    /// What its rows must be.
    pub(crate) constraints: Arc<Constraints>,
    /// What becomes of it when a transaction commits.
    pub(crate) on_commit: ast::OnCommit,
    /// Its rows at this moment.
    pub(crate) rows: Rows,
    /// Room for what is declared of it.
    pub(crate) room: Arc<Promise>,
}

/// What was declared of a column of a temporary table.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// Its name, folded as the catalog spells it.
    pub(crate) name: String,
    /// Its type as SQL writes it.
    pub(crate) sql_type: ast::DataType,
    /// Its type as it was declared, with a length; empty where nobody did.
    pub(crate) declared: String,
    /// Characters that a text may have.
    pub(crate) length: Option<u64>,
    /// Whether it may not be NULL.
    pub(crate) required: bool,
    /// The value where a statement gives none; without one it is NULL.
    pub(crate) default: Option<ast::Expr>,
}

/// What the rows of a table must be, beside what its columns say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Constraints {
    /// Columns in which no two rows are alike; a NULL is like nothing.
    pub(crate) unique: Vec<Unique>,
    /// What is true of each row, or NULL; sorted by name, as it is looked at.
    pub(crate) checks: Vec<Check>,
}

/// A PRIMARY KEY or UNIQUE constraint.
#[derive(Debug, Clone)]
pub(crate) struct Unique {
    /// Its name, which errors tell.
    pub(crate) name: String,
    /// Places of its columns.
    pub(crate) columns: Vec<usize>,
    /// Whether it is the PRIMARY KEY.
    pub(crate) primary: bool,
}

/// A CHECK constraint of a table.
#[derive(Debug, Clone)]
pub(crate) struct Check {
    /// Its name, which errors tell.
    pub(crate) name: String,
    /// What is to be true, over the columns of the table.
    pub(crate) condition: ast::Expr,
}

/// A temporary view: a plan and its text.
#[derive(Debug)]
pub(crate) struct View {
    /// What it stands for.
    pub(crate) plan: Arc<LogicalPlan>,
    /// The same as SQL.
    pub(crate) sql: String,
    /// Names of the temporary tables and views that it reads.
    pub(crate) uses: BTreeSet<String>,
    /// Room for its plan.
    pub(crate) _room: Promise,
}

/// The number of the next temporary table of the process.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Table {
    /// A table without rows.
    pub(crate) fn new(
        columns: Vec<Column>,
        schema: SchemaRef,
        constraints: Constraints,
        on_commit: Option<ast::OnCommit>,
    ) -> Self {
        Self {
            id: Self::next_id(),
            columns: columns.into(),
            schema,
            constraints: Arc::new(constraints),
            on_commit: on_commit.unwrap_or(ast::OnCommit::PreserveRows),
            rows: Rows::default(),
            room: Arc::default(),
        }
    }
}

/// Bytes of what is declared of a column without a default, about.
const COLUMN_BYTES: usize = 1 << 10;

impl Table {
    /// Keeps room for its columns, and for so many bytes besides.
    ///
    /// # Errors
    /// 53200 when there is none.
    pub(crate) fn keep_room(&mut self, bytes: usize) -> Result<(), QueryError> {
        let columns = self.columns.len().saturating_mul(COLUMN_BYTES);
        let room = Promise::of_all(columns.saturating_add(bytes));
        self.room = Arc::new(room.ok_or_else(|| QueryError::new(ErrorKind::OutOfMemory, "out of memory"))?);
        Ok(())
    }

    /// The number of a new table.
    pub(crate) fn next_id() -> u64 {
        NEXT_ID.fetch_add(1, Ordering::Relaxed)
    }
}

impl Contents {
    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names of the tables and views, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The table or view of a name.
    pub(crate) fn relation(&self, name: &str) -> Option<&Relation> {
        self.0.get(name)
    }

    /// The table of a name.
    pub(crate) fn table(&self, name: &str) -> Option<&Arc<Table>> {
        match self.relation(name)? {
            Relation::Table(table) => Some(table),
            Relation::View(_) => None,
        }
    }

    /// The table of a number.
    pub(crate) fn table_of_id(&self, id: u64) -> Option<&Arc<Table>> {
        self.0.values().find_map(|relation| match relation {
            Relation::Table(table) if table.id == id => Some(table),
            _ => None,
        })
    }

    /// The contents with a table or view in the place of what had its name.
    ///
    /// # Errors
    /// 53400 when there are too many.
    pub(crate) fn with(&self, name: &str, relation: Relation) -> Result<Self, QueryError> {
        if self.0.len() >= RELATIONS_MAX && !self.0.contains_key(name) {
            let message = format!("a session has at most {RELATIONS_MAX} temporary tables and views");
            return Err(QueryError::new(ErrorKind::LimitExceeded, message));
        }
        let mut relations = BTreeMap::clone(&self.0);
        relations.insert(name.to_owned(), relation);
        Ok(Self(Arc::new(relations)))
    }

    /// The contents with a table or view under another name.
    pub(crate) fn renamed(&self, name: &str, to: &str) -> Self {
        let mut relations = BTreeMap::clone(&self.0);
        if let Some(relation) = relations.remove(name) {
            relations.insert(to.to_owned(), relation);
        }
        Self(Arc::new(relations))
    }

    /// The view that reads a table or view, if there is one.
    pub(crate) fn reader_of(&self, name: &str) -> Option<&str> {
        let mut all = self.0.iter();
        all.find_map(|(own, relation)| {
            matches!(relation, Relation::View(view) if view.uses.contains(name)).then_some(own.as_str())
        })
    }

    /// The contents with other rows of a table.
    pub(crate) fn with_rows(&self, name: &str, rows: Rows) -> Self {
        let mut relations = BTreeMap::clone(&self.0);
        if let Some(Relation::Table(table)) = relations.get_mut(name) {
            Arc::make_mut(table).rows = rows;
        }
        Self(Arc::new(relations))
    }

    /// The contents without some of their tables and views.
    ///
    /// # Errors
    /// 2BP01 when a view reads one of them and stays, unless it may go with them.
    pub(crate) fn without(&self, names: &BTreeSet<String>, cascade: bool) -> Result<Self, QueryError> {
        let mut gone = names.clone();
        loop {
            let reader = self.0.iter().find_map(|(name, relation)| match relation {
                Relation::View(view) if !gone.contains(name) => {
                    Some((name, view.uses.intersection(&gone).next()?.clone()))
                }
                _ => None,
            });
            let Some((reader, read)) = reader else { break };
            if !cascade {
                let what = if self.table(&read).is_some() { "table" } else { "view" };
                let message = format!("cannot drop {what} {read} because other objects depend on it");
                return Err(QueryError::new(ErrorKind::StillUsed, message)
                    .with_hint(format!("View {reader} reads it. Use DROP ... CASCADE to drop that too.")));
            }
            gone.insert(reader.clone());
        }
        let mut relations = BTreeMap::clone(&self.0);
        relations.retain(|name, _| !gone.contains(name));
        Ok(Self(Arc::new(relations)))
    }

    /// What is left of them when a transaction commits; `None` when all is.
    pub(crate) fn committed(&self) -> Option<Self> {
        let of = |wanted: fn(&Table) -> bool| {
            let names = self.0.iter().filter_map(move |(name, relation)| match relation {
                Relation::Table(table) if wanted(table) => Some(name.clone()),
                _ => None,
            });
            names.collect::<BTreeSet<_>>()
        };
        let dropped = of(|table| matches!(table.on_commit, ast::OnCommit::Drop));
        let emptied = of(|table| matches!(table.on_commit, ast::OnCommit::DeleteRows) && table.rows.count() > 0);
        if dropped.is_empty() && emptied.is_empty() {
            return None;
        }
        let left = self.without(&dropped, true).unwrap_or_else(|_| self.clone());
        Some(emptied.iter().fold(left, |left, name| left.with_rows(name, Rows::default())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::Schema;
    use datafusion::logical_expr::LogicalPlanBuilder;

    fn table(on_commit: ast::OnCommit) -> Relation {
        Relation::Table(Arc::new(Table::new(
            Vec::new(),
            Arc::new(Schema::empty()),
            Constraints::default(),
            Some(on_commit),
        )))
    }

    fn view(uses: &str) -> Relation {
        let plan = Arc::new(LogicalPlanBuilder::empty(true).build().unwrap());
        let uses = BTreeSet::from([uses.to_owned()]);
        Relation::View(Arc::new(View { plan, sql: String::new(), uses, _room: Promise::of(0).unwrap() }))
    }

    fn names(contents: &Contents) -> String {
        contents.names().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_a_view_reads_stays_or_goes_with_it() {
        let contents = Contents::default().with("t", table(ast::OnCommit::PreserveRows)).unwrap();
        let contents = contents.with("v", view("t")).unwrap().with("w", view("v")).unwrap();
        let t = BTreeSet::from(["t".to_owned()]);
        assert_eq!(contents.without(&t, false).unwrap_err().kind, ErrorKind::StillUsed);
        assert_eq!(names(&contents.without(&t, true).unwrap()), "");
        assert_eq!(names(&contents.without(&BTreeSet::from(["w".to_owned()]), false).unwrap()), "t v");
        let all = ["t", "v", "w"].map(str::to_owned).into();
        assert!(contents.without(&all, false).unwrap().is_empty());
    }

    #[test]
    fn a_commit_drops_what_was_to_last_no_longer() {
        let contents = Contents::default().with("stays", table(ast::OnCommit::PreserveRows)).unwrap();
        assert!(contents.committed().is_none());
        let contents = contents.with("goes", table(ast::OnCommit::Drop)).unwrap().with("v", view("goes")).unwrap();
        assert_eq!(names(&contents.committed().unwrap()), "stays");
    }
}
