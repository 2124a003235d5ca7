//! The rewriter replaces PostgreSQL spellings that DataFusion's SQL planner refuses, or reads
//! otherwise, by spellings that give PostgreSQL's result.
//!
//! It works on sqlparser's tree, between [`super::parse`] and DataFusion's `SqlToRel`: the tree
//! itself is changed and planned; nothing is printed and parsed again. Every rule keeps the meaning:
//! a form that has no equal is left alone and fails in planning with its own name.
//!
//! First [`bind`] settles what every name stands for. Then one walk visits the whole statement. Before
//! it goes into a query, a SELECT, a table factor or an
//! expression, rules run that must see the original form (names, subqueries);
//! when it comes out of an expression, rules run that expect their operands to be rewritten
//! (operators, casts, calls).
//!
//! Each file names the behaviour it works around in paragraphs that begin with `DataFusion 55:` or
//! `sqlparser 0.62:`. To upgrade, search for these two words and try each rule without which the
//! named test would pass.

mod array;
mod array_literal;
mod bind;
pub(crate) mod build;
mod cast;
mod clauses;
mod distinct;
mod frame;
mod function;
mod hypothetical;
mod json_aggregate;
mod limit;
mod literal;
mod mark;
mod moment;
mod named_argument;
mod names;
mod operator;
mod padded;
mod parameter_cast;
mod pattern;
mod pattern_any;
mod privileges;
mod record;
mod recursion;
mod row;
mod rows_function;
mod scope;
mod settings;
mod span_sign;
mod subscript;
mod system;
mod table_function;
mod text_length;
mod type_name;
mod window;
mod with;

use super::parse::Statement;
use crate::dialect::abandoned::unless_over;
use crate::dialect::parse::tree::fold;
use crate::dialect::parse::walk::WalkMut;
use crate::error::QueryError;
use build::{call, is_call, take};
use datafusion::sql::sqlparser::ast::{
    AccessExpr, Expr, OrderByKind, Query, Select, SelectItem, SetExpr, UnaryOperator, Value, ValueWithSpan, VisitorMut,
};
use scope::Scopes;
use std::ops::ControlFlow;

pub(crate) use bind::{Known, Place, Relations, relations_named, settle as settle_versions};
pub(crate) use frame::check as check_windows;
pub(crate) use names::{output_names, visible};
pub(crate) use parameter_cast::parameter_types;
pub(crate) use span_sign::settle as settle_spans;
pub(crate) use type_name::FUNCTIONS;

/// Binds the names of one statement and rewrites it in place; `place` resolves unqualified table names,
/// and `relations` are the tables that [`relations_named`] found in it.
///
/// What no rule matches stays as written, and DataFusion's SQL planner reports it.
/// Only the outermost SELECT (also that under EXPLAIN) shows names in place of object numbers, as
/// psql's `SELECT 'symbols'::regclass` does; inner ones keep numbers, because those are compared.
///
/// # Errors
/// Where a name stands for nothing, or a clause for what PostgreSQL refuses, and DataFusion would pass
/// over it.
pub(crate) fn rewrite(statement: &mut Statement, place: Place<'_>, relations: &Relations) -> Result<(), QueryError> {
    respelled(statement, place, relations)?;
    mark::mark(statement);
    Ok(())
}

/// Binds the names and changes the spellings of one statement.
fn respelled(statement: &mut Statement, place: Place<'_>, relations: &Relations) -> Result<(), QueryError> {
    bind::bind(statement, place, relations)?;
    if let Some(select) = top_select(statement) {
        for item in &mut select.projection {
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    let column = names::column(expr);
                    cast::show_literal(expr);
                    // A column that became a call keeps its name.
                    if let Some(column) = column.filter(|_| matches!(expr, Expr::Function(_))) {
                        *item = SelectItem::ExprWithAlias { expr: take(expr), alias: build::ident(&column) };
                    }
                }
                SelectItem::ExprWithAlias { expr, .. } => cast::show_literal(expr),
                _ => {}
            }
        }
    }
    let windows = Vec::new();
    let combined = is_combined(statement);
    match statement.walk_mut(&mut Rewriter {
        scopes: Scopes::default(),
        given: Vec::new(),
        windows,
        combined,
        shared: 0,
    }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// The SELECT whose list the client sees: of a plain query, or of the query under EXPLAIN; `None` for
/// UNION, VALUES and statements that are no query.
fn top_select(statement: &mut Statement) -> Option<&mut Select> {
    match statement {
        Statement::Query(query) => match query.body.as_mut() {
            SetExpr::Select(select) => Some(select),
            _ => None,
        },
        Statement::Explain { statement, .. } => top_select(statement),
        _ => None,
    }
}

/// Whether a statement's query is of several with UNION, EXCEPT or INTERSECT between them.
fn is_combined(statement: &Statement) -> bool {
    match statement {
        Statement::Query(query) => matches!(query.body.as_ref(), SetExpr::SetOperation { .. }),
        Statement::Explain { statement, .. } => is_combined(statement),
        _ => false,
    }
}

/// The one walk over a statement, with what the queries around its current point define.
struct Rewriter {
    /// Names that WITH gives, and catalog tables by their aliases, innermost last.
    scopes: Scopes,
    /// The names PostgreSQL gives to the unnamed columns, one list for each SELECT around the point
    /// of the walk. They are noted before the list is rewritten: afterwards `x::int` may be a call of
    /// another name.
    given: Vec<Vec<Option<String>>>,
    /// The windows that WINDOW names, one list for each query around.
    windows: Vec<window::Windows>,
    /// Whether the outermost query combines several, whose columns have one type.
    combined: bool,
    /// How many WITH queries were marked.
    shared: usize,
}

/// Ends the walk with an error, if there is one.
fn ended(done: Result<(), QueryError>) -> ControlFlow<QueryError> {
    match done {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

impl VisitorMut for Rewriter {
    type Break = QueryError;

    /// Rules for a whole query: FOR UPDATE is dropped (nothing is ever written here), windows are spelled out,
    /// FETCH becomes LIMIT, DISTINCT ON and IN get forms that
    /// DataFusion plans.
    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<QueryError> {
        let names = query.with.iter().flat_map(|with| &with.cte_tables).map(|cte| fold(&cte.alias.name)).collect();
        self.scopes.names.push(names);
        recursion::end_recursions(query, &self.scopes);
        with::mark_shared(query, &mut self.shared);
        query.locks.clear();
        match window::named(query) {
            Ok(windows) => self.windows.push(windows),
            Err(error) => return ControlFlow::Break(error),
        }
        limit::by_fetch(query);
        ended(limit::literals(query))?;
        if let Some(OrderByKind::Expressions(keys)) = query.order_by.as_mut().map(|order| &mut order.kind) {
            padded::sort(keys);
        }
        distinct::on_with_subqueries(query);
        ControlFlow::Continue(())
    }

    /// Leaves the scope of the query's WITH.
    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<QueryError> {
        self.scopes.names.pop();
        self.windows.pop();
        ControlFlow::Continue(())
    }

    /// Rules for one SELECT that need its FROM and its list as written; then its catalog tables come
    /// into scope.
    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<QueryError> {
        ended(settings::check(select))?;
        privileges::explode(select);
        row::conjuncts(select);
        let tables = system::catalog_tables(select, &self.scopes);
        self.scopes.tables.push(tables);
        self.given.push(names::given(&select.projection));
        if self.scopes.names.len() == 1 && !self.combined {
            padded::fill(&mut select.projection);
        }
        padded::group(&mut select.group_by);
        ControlFlow::Continue(())
    }

    /// Names the columns of the list once everything in it is rewritten.
    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<QueryError> {
        self.scopes.tables.pop();
        let outermost = self.scopes.names.len() == 1;
        names::make_distinct(&mut select.projection, &self.given.pop().unwrap_or_default(), outermost);
        ControlFlow::Continue(())
    }

    /// Rules that must see an expression before its parts are rewritten: branches that are never taken,
    /// lookups in the catalog.
    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<QueryError> {
        unless_over()?;
        if let Expr::Function(function) = expr {
            ended(clauses::check(function))?;
            ended(named_argument::by_place(function))?;
        }
        if let Expr::Function(function) = expr
            && let Some(over) = &mut function.over
            && let Some(windows) = self.windows.last()
        {
            ended(window::spell_out(over, windows))?;
        }
        ended(hypothetical::spell_out(expr))?;
        type_name::settle(expr, &self.scopes);
        padded::parts(expr);
        ended(padded::check(expr))?;
        ended(array::check_empty(expr))?;
        row::compare(expr);
        recursion::branches_never_taken(expr, &self.scopes);
        array::from_subquery(expr);
        ControlFlow::Continue(())
    }

    /// Rules for one expression whose parts are rewritten.
    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<QueryError> {
        system::letter(expr, &self.scopes);
        rewrite_expr(expr);
        ControlFlow::Continue(())
    }

    /// Turns `E'...'`, `N'...'`, `U&'...'` and `$$...$$` into plain string literals, so that later rules know
    /// one kind only. The escapes of `E'...'` are resolved by sqlparser's tokenizer.
    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<QueryError> {
        if let Value::EscapedStringLiteral(text)
        | Value::NationalStringLiteral(text)
        | Value::UnicodeStringLiteral(text) = &mut value.value
        {
            value.value = Value::SingleQuotedString(std::mem::take(text));
        } else if let Value::DollarQuotedString(text) = &mut value.value {
            value.value = Value::SingleQuotedString(std::mem::take(&mut text.value));
        }
        ControlFlow::Continue(())
    }
}

/// Applies the rule for one expression whose parts are rewritten already; most kinds have a module of
/// their own.
///
/// Three forms are settled here:
///
/// - `current_schema` and `current_role` without parentheses become calls.
/// - `COLLATE` is dropped: texts here compare by their bytes, as in the collation `C`.
/// - `(record).field` becomes `get_field(record, 'field')`, and `x AT TIME ZONE zone` becomes
///   `timezone(zone, x)`.
///
/// DataFusion 55: `current_schema` and `current_role` are read as columns, and COLLATE is refused as
/// an unsupported node. Not needed once `SELECT current_schema, 'a' COLLATE "C"` plans.
///
/// DataFusion 55: `AT TIME ZONE` is planned as a cast to nanoseconds in that zone, takes a literal
/// zone only, and leaves the instant as it is, where PostgreSQL goes from an instant to a wall clock
/// and back (apache/datafusion#10368, open; #25165 proposes PostgreSQL's meaning). Not needed once
/// `now() AT TIME ZONE 'Europe/Berlin'` is a `timestamp without time zone` in DataFusion.
fn rewrite_expr(expr: &mut Expr) {
    match expr {
        Expr::Function(_) => {
            if let Expr::Function(function) = expr {
                frame::fold_bounds(function);
                frame::exclude(function);
            }
            function::rewrite(expr);
        }
        Expr::Identifier(name) if name.quote_style.is_none() => {
            let name = name.value.to_ascii_lowercase();
            if matches!(name.as_str(), "current_schema" | "current_role") {
                *expr = call(&name, Vec::new());
            }
        }
        Expr::Collate { expr: inner, .. } => *expr = take(inner),
        Expr::BinaryOp { .. } => operator::binary(expr),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } if matches!(inner.as_ref(), Expr::Interval(_)) => {
            // DataFusion 55: for `-INTERVAL '1 day 2 hours'` the SQL planner puts the sign in front of the text
            // (`interval_literal`), so that it applies to the first number alone, or to none. Parentheses make it a
            // negation of the value. Not needed once `SELECT -INTERVAL '1 day 2 hours', -'90 min'::interval` gives -1 days
            // -02:00:00 and -01:30:00 without them.
            **inner = Expr::Nested(Box::new(take(inner)));
        }
        Expr::UnaryOp { .. } => operator::unary(expr),
        Expr::Cast { .. } | Expr::TypedString(_) => {
            let length = text_length::of(expr);
            cast::rewrite(expr);
            if let Some(length) = length {
                text_length::cut(expr, length);
            }
        }
        Expr::AnyOp { .. } | Expr::AllOp { .. } => array::compare(expr),
        Expr::Interval(interval) => {
            if let Some(read) = moment::interval(interval) {
                *expr = read;
            }
        }
        Expr::IsDistinctFrom(..) | Expr::IsNotDistinctFrom(..) => operator::distinct_from(expr),
        Expr::SimilarTo { .. } => pattern::similar_to(expr),
        Expr::IsNormalized { .. } => pattern::is_normalized(expr),
        Expr::Substring { .. } => pattern::substring(expr),
        Expr::Like { .. } | Expr::ILike { .. } => pattern::own_escape(expr),
        Expr::CompoundFieldAccess { root, access_chain } => {
            system::from_one(root, access_chain);
            if let (Expr::Nested(record), [AccessExpr::Dot(Expr::Identifier(field))]) =
                (root.as_mut(), access_chain.as_slice())
            {
                let field = fold(field);
                let written = record::written_field(record, &field);
                *expr = written.unwrap_or_else(|| call("get_field", vec![take(record), build::text(&field)]));
            } else if let Some(part) = subscript::part(root, access_chain) {
                *expr = part;
            }
        }
        Expr::Extract { field, expr: value, .. } => {
            let field = build::text(field.to_string().trim_matches('\'').to_lowercase().as_str());
            *expr = call("extract", vec![field, take(value)]);
        }
        Expr::AtTimeZone { timestamp, time_zone } => {
            *expr = call("timezone", vec![take(time_zone), take(timestamp)]);
        }
        _ => {}
    }
    if is_call(expr, "generate_subscripts") {
        array::subscripts(expr);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        let mut statement = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap().remove(0);
        respelled(&mut statement, &|_| None, &Relations::new()).unwrap();
        assert_eq!(unmarked(statement.to_string()), expected);
    }

    /// The text without the names that only tell columns apart.
    fn unmarked(mut text: String) -> String {
        while let Some(mark) = text.find('\u{1}') {
            let start = text[..mark].rfind(" AS \"").unwrap();
            let end = mark + text[mark..].find('"').unwrap();
            text.replace_range(start..=end, "");
        }
        text
    }

    #[test]
    fn catalog_names_are_qualified_unless_shadowed() {
        check("SELECT oid FROM pg_class", "SELECT oid FROM pg_catalog.pg_class");
        check("SELECT oid FROM symbols", "SELECT oid FROM symbols");
        let shadowed = "WITH pg_class AS (SELECT 1 AS oid) SELECT oid FROM pg_class";
        let mut statement = Parser::parse_sql(&PostgreSqlDialect {}, shadowed).unwrap().remove(0);
        rewrite(&mut statement, &|_| None, &Relations::new()).unwrap();
        assert!(!statement.to_string().contains("pg_catalog"));
    }

    #[test]
    fn functions_and_operators_lose_their_schema() {
        check("SELECT pg_catalog.version()", "SELECT version()");
        check("SELECT a OPERATOR(pg_catalog.~) 'x' COLLATE pg_catalog.default FROM t", "SELECT a ~ 'x' FROM t");
        check("SELECT current_schema", "SELECT current_schema()");
        check("SELECT current_timestamp", "SELECT CAST(now() AS TIMESTAMPTZ(6))");
        check("SELECT * FROM t FOR UPDATE", "SELECT * FROM t");
    }

    #[test]
    fn casts_to_object_names_are_function_calls() {
        check("SELECT x FROM t WHERE y = 'symbols'::regclass", "SELECT x FROM t WHERE y = regclass_oid('symbols')");
        check("SELECT 'symbols'::regclass", "SELECT cast_of(regclass_text('symbols'), 'regclass')");
        check("SELECT 'symbols'::regclass::oid", "SELECT regclass_oid('symbols')");
        check("SELECT c.oid::regclass::text FROM c", "SELECT regclass_text(c.oid) FROM c");
        check("SELECT c.oid::pg_catalog.regclass FROM c", "SELECT regclass(c.oid) FROM c");
        check("SELECT 1 WHERE $1::regclass = 5", "SELECT 1 WHERE regclass_oid(CAST($1 AS TEXT)) = 5");
    }

    #[test]
    fn types_are_those_of_postgres() {
        check("SELECT a::float FROM t", "SELECT a::DOUBLE PRECISION FROM t");
        check("SELECT a::timestamptz FROM t", "SELECT a::TIMESTAMPTZ(6) FROM t");
        check(
            "SELECT a::varchar(3), b::name FROM t",
            "SELECT left(varchar_cast(CAST(a AS TEXT), 3), 3), name_cast(CAST(b AS TEXT)) FROM t",
        );
    }

    #[test]
    fn patterns_are_escaped_by_the_backslash() {
        check("SELECT 1 WHERE a LIKE 'x/_' || b ESCAPE '/'", "SELECT 1 WHERE a LIKE like_escape('x/_' || b, '/')");
        check("SELECT 1 WHERE a NOT ILIKE 'x\\_' ESCAPE '\\'", "SELECT 1 WHERE a NOT ILIKE 'x\\_'");
    }

    #[test]
    fn lists_become_in_lists() {
        check("SELECT 1 FROM t WHERE a = ANY('{x,\"y z\"}')", "SELECT 1 FROM t WHERE a IN ('x', 'y z')");
        check("SELECT 1 FROM t WHERE a <> ALL(ARRAY[1, 2])", "SELECT 1 FROM t WHERE a NOT IN (1, 2)");
        check("SELECT '{1,2}'::int[]", "SELECT make_array('1', '2')::INT[]");
        check("SELECT 1 FROM t WHERE 'x' = ANY(lists)", "SELECT 1 FROM t WHERE 'x' = ANY(lists)");
    }

    #[test]
    fn unqualified_tables_are_found_along_the_path() {
        let mut statement = Parser::parse_sql(
            &PostgreSqlDialect {},
            "WITH own AS (SELECT * FROM quotes) SELECT * FROM own, trades, live.greeks, generate_series(1, 2) AS s",
        )
        .unwrap()
        .remove(0);
        respelled(
            &mut statement,
            &|table| (table == "quotes" || table == "own").then(|| "live".to_owned()),
            &Relations::new(),
        )
        .unwrap();
        assert_eq!(
            statement.to_string(),
            "WITH own AS (SELECT * FROM \"live\".quotes) SELECT * FROM own, trades, live.greeks, (SELECT CAST(value AS INT) AS value FROM generate_series(1, 2) AS series (value)) AS s (s)"
        );
    }

    #[test]
    fn order_is_by_the_names_of_the_result() {
        check("SELECT count(*) FROM t ORDER BY count", "SELECT count(*) FROM t ORDER BY 1");
        check("SELECT count FROM t ORDER BY count", "SELECT count FROM t ORDER BY 1");
        check("SELECT a FROM t FETCH FIRST 3 ROWS ONLY", "SELECT a FROM t LIMIT 3");
    }

    #[test]
    fn literals_read_as_in_postgres() {
        check("SELECT '\\x00ff'::bytea", "SELECT decode('00ff', 'hex')");
        check("SELECT INTERVAL '1 day 02:00'", "SELECT INTERVAL '0 months 1 days 7200.000000 seconds'");
        check("SELECT '1.50'::numeric", "SELECT '1.50'::NUMERIC(76,38)");
    }

    #[test]
    fn counts_have_a_sign() {
        check("SELECT rank() OVER (ORDER BY a) FROM t", "SELECT CAST(rank() OVER (ORDER BY a) AS BIGINT) FROM t");
        check("SELECT array_length(a, 1) FROM t", "SELECT CAST(array_length(a, 1) AS INT) FROM t");
        check("SELECT i.indkey[n - 1] FROM i", "SELECT array_subscript(i.indkey, (n - 1) + 1) FROM i");
    }

    #[test]
    fn similar_patterns_are_anchored_regular_expressions() {
        check("SELECT a SIMILAR TO 'x%_(b|c)' FROM t", "SELECT a ~ similar_to_escape('x%_(b|c)') FROM t");
    }
}
