//! What a dataset is: a table of the lake described as data. The lake makes its tables of it, collectors write by it, the
//! configuration takes its defaults from it, and the SQL catalog its comments.

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use std::ops::Deref;
use std::sync::Arc;

/// The column every dataset ends with: when the row was fetched. It alone never makes a row different.
pub const FETCHED_AT: &str = "fetched_at";

/// How a refresh meets the rows that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// New rows replace old rows of the same key; a key that was not fetched keeps its row only if its fetch failed.
    Replace,
    /// New rows replace old rows of the same key; all other rows stay.
    Merge,
    /// Every fetch adds its rows.
    Append,
}

/// How the rows are spread over files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// A refresh writes one file.
    Whole,
    /// A file holds one year of this date column, so that a new session rewrites this year's file and leaves the others.
    ByYear(&'static str),
}

/// What it says of an item that an answer of the source has no row of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// Nothing: answers hold what is new, or the rows are computed.
    Nothing,
    /// The answer is not whole where rows of the item are held: what once was does not go.
    Incomplete,
    /// The same; and an item of which no rows are held is one that the source does not know.
    Unknown,
}

/// Which of several sources of one dataset overrules which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Precedence {
    /// The column that names a row's source.
    pub column: &'static str,
    /// Names of sources, the strongest first, unless the configuration says otherwise. A row yields only to a row of a stronger source; a source that is not
    /// listed is the weakest.
    pub sources: &'static [&'static str],
}

/// Type of a column's values. All but texts in lists may be NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text in UTF-8.
    Text,
    /// A list of texts.
    TextList,
    /// A double, such as a price or a ratio.
    Number,
    /// An integer of 64 bits, such as a volume.
    Integer,
    /// True, false or NULL.
    Flag,
    /// A calendar date without time or zone.
    Date,
    /// A moment in UTC microseconds.
    Instant,
}

impl Kind {
    /// The arrow type of a column of this kind.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::TextList => DataType::List(Arc::new(Field::new("element", DataType::Utf8, true))),
            Self::Number => DataType::Float64,
            Self::Integer => DataType::Int64,
            Self::Flag => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Instant => instant(),
        }
    }
}

/// What stands in a column for rows that were written before the table had it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// Every row has it.
    Never,
    /// NULL: nobody knows. Such a column may be NULL even in a key.
    Unknown,
    /// The number one, for what is counted from one on.
    One,
}

/// One column: the only place where its name is spelled, from which the arrow schema, the parser's target, the comment in
/// SQL and the documentation follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Name in SQL and in the files.
    pub name: &'static str,
    /// Type of its values.
    pub kind: Kind,
    /// Unit of a number; empty where the meaning says all.
    pub unit: &'static str,
    /// What a value says, and what NULL means where that is not plain.
    pub meaning: &'static str,
    /// What it is in rows that are older than it.
    pub earlier: Earlier,
}

impl Column {
    /// The comment people read: meaning, then unit in brackets.
    pub fn comment(&self) -> String {
        if self.unit.is_empty() { self.meaning.to_owned() } else { format!("{} [{}]", self.meaning, self.unit) }
    }

    fn field(&self, key: &[&str]) -> Field {
        let never_null = key.contains(&self.name) && self.earlier == Earlier::Never;
        Field::new(self.name, self.kind.data_type(), !never_null)
    }

    /// The same column, which tables of earlier releases lack.
    pub(super) const fn added(self, earlier: Earlier) -> Self {
        Self { earlier, ..self }
    }
}

const fn column(name: &'static str, kind: Kind, unit: &'static str, meaning: &'static str) -> Column {
    Column { name, kind, unit, meaning, earlier: Earlier::Never }
}

/// A column of text.
pub(super) const fn text(name: &'static str, meaning: &'static str) -> Column {
    column(name, Kind::Text, "", meaning)
}

/// A column of lists of texts.
pub(super) const fn text_list(name: &'static str, meaning: &'static str) -> Column {
    column(name, Kind::TextList, "", meaning)
}

/// A column of doubles in a unit.
pub(super) const fn number(name: &'static str, unit: &'static str, meaning: &'static str) -> Column {
    column(name, Kind::Number, unit, meaning)
}

/// A column of whole numbers in a unit.
pub(super) const fn integer(name: &'static str, unit: &'static str, meaning: &'static str) -> Column {
    column(name, Kind::Integer, unit, meaning)
}

/// A column of true and false.
pub(super) const fn flag(name: &'static str, meaning: &'static str) -> Column {
    column(name, Kind::Flag, "", meaning)
}

/// A column of dates.
pub(super) const fn date(name: &'static str, meaning: &'static str) -> Column {
    column(name, Kind::Date, "", meaning)
}

/// A column of instants.
pub(super) const fn moment(name: &'static str, meaning: &'static str) -> Column {
    column(name, Kind::Instant, "", meaning)
}

/// What `fetched_at` says unless a dataset has its own words for it.
const FETCHED: Column = moment(FETCHED_AT, "When the row was fetched or computed");

/// The freshness contract a dataset has unless the configuration says otherwise, in the words of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreshnessDefaults {
    /// When rows go stale.
    pub ttl: &'static str,
    /// How long past that they are served at once while a refresh runs.
    pub stale_while_revalidate: &'static str,
    /// How long a query waits for a refresh.
    pub wait_timeout: &'static str,
    /// How long past the TTL rows are served when the refresh fails.
    pub stale_if_error: &'static str,
    /// How far expiries of several processes are spread.
    pub jitter: &'static str,
    /// Whether a CSV twin is written.
    pub csv: bool,
}

/// One dataset as data.
#[derive(Debug, Clone, Copy)]
pub struct Definition {
    /// Table name in SQL and folder name in the lake.
    pub name: &'static str,
    /// One sentence for people: grain and source. It is the table's comment in SQL.
    pub comment: &'static str,
    /// Columns in order. `fetched_at` is added at the end where it is not among them.
    pub columns: &'static [&'static [Column]],
    /// Columns that identify a row, in sort order. Files are sorted by them.
    pub key: &'static [&'static str],
    /// How a refresh is written.
    pub mode: WriteMode,
    /// How rows are spread over files; by year only where they are merged.
    pub layout: Layout,
    /// Which source overrules which, where there are several.
    pub precedence: Option<Precedence>,
    /// Whether the first column of the key names what can be fetched, or computed, by itself: a symbol or an underlying.
    pub by_item: bool,
    /// What it says of an item that an answer has no row of it.
    pub absence: Absence,
    /// A date column: rows that are in no answer any more stay until that date is past.
    pub leaves_after: Option<&'static str>,
    /// For a derived dataset: the datasets its computation reads. They must be among its dependencies.
    pub computed_from: &'static [&'static str],
    /// A dataset to which the rows of every fetch are appended too.
    pub history: Option<&'static str>,
    /// Its freshness contract; `None` for what only grows.
    pub freshness: Option<FreshnessDefaults>,
    /// How long a version can be read after it was replaced; `None` where it has no section in the configuration.
    pub retention: Option<&'static str>,
    /// Datasets that are refreshed first.
    pub depends_on: &'static [&'static str],
}

impl Definition {
    /// A whole dataset that is replaced, without items, with the retention most have: what definitions begin with.
    pub(super) const BASE: Self = Self {
        name: "",
        comment: "",
        columns: &[],
        key: &[],
        mode: WriteMode::Replace,
        layout: Layout::Whole,
        precedence: None,
        by_item: false,
        absence: Absence::Nothing,
        leaves_after: None,
        computed_from: &[],
        history: None,
        freshness: None,
        retention: Some("30d"),
        depends_on: &[],
    };

    /// The columns in order, `fetched_at` included.
    pub fn columns(&self) -> impl Iterator<Item = &'static Column> {
        let own = || self.columns.iter().flat_map(|part| part.iter());
        let added = own().all(|column| column.name != FETCHED_AT).then_some(&FETCHED);
        own().chain(added)
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns().find(|column| column.name == name)
    }

    /// Whether tables of earlier releases lack some of its columns.
    pub fn has_added_columns(&self) -> bool {
        self.columns().any(|column| column.earlier != Earlier::Never)
    }

    /// The column that names a row's item, where the dataset has items.
    pub fn item_column(&self) -> Option<&'static str> {
        self.key.first().copied().filter(|_| self.by_item)
    }
}

/// One cached dataset. Grain: `key`.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// What the dataset is, as its definition says.
    pub definition: &'static Definition,
    /// Its columns as arrow has them.
    pub schema: SchemaRef,
}

impl Dataset {
    /// The dataset of a definition. The columns of the key are never NULL, but for added ones, nor is a `fetched_at` that was added.
    pub(super) fn of(definition: &'static Definition) -> Self {
        let field = |column: &'static Column| match column == &FETCHED {
            true => column.field(&[FETCHED_AT]),
            false => column.field(definition.key),
        };
        Self { definition, schema: Arc::new(Schema::new(definition.columns().map(field).collect::<Vec<_>>())) }
    }
}

impl Deref for Dataset {
    type Target = Definition;

    fn deref(&self) -> &Definition {
        self.definition
    }
}

/// Type of every instant.
pub fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}
