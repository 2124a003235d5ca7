//! Turns PostgreSQL spellings that DataFusion lacks into ones it has.
//!
//! The tree itself is changed and planned; nothing is printed and parsed again. Every rule keeps the meaning: what has no
//! equal is left alone and fails in planning with its own name.

mod array;
mod build;
mod cast;
mod distinct;
mod empty;
mod function;
mod join;
mod literal;
mod lookup;
mod names;
mod operator;
mod parameter;
mod pattern;
mod record;
mod system;
mod table_function;

use super::plan::Statement;
use crate::table::pg_catalog::definition;
use build::{call, ident, is_call, null_text};
use datafusion::sql::sqlparser::ast::{
    AccessExpr, Expr, Fetch, Ident, LimitClause, ObjectName, Query, Select, SelectItem, SetExpr, TableFactor,
    UnaryOperator, Value, ValueWithSpan, VisitMut, VisitorMut,
};
use std::ops::ControlFlow;

pub(super) use join::check as check_joins;
pub(super) use names::{output_names, visible};
pub(super) use parameter::spelled_out;

/// The schema an unqualified table is in, when the search path says so; `None` leaves it to the planner.
pub(super) type Place<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Rewrites in place.
pub(super) fn rewrite(statement: &mut Statement, place: Place<'_>) {
    if let Some(select) = top_select(statement) {
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
                cast::show_literal(expr);
            }
        }
    }
    let _ = statement.visit(&mut Rewriter { scopes: Scopes::default(), given: Vec::new(), place });
}

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

/// What the queries around the point of the walk name, innermost last: the names that WITH gives, and the catalog tables.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    names: Vec<Vec<String>>,
    /// The catalog tables of each SELECT around, under the names they have there.
    tables: Vec<Vec<(String, &'static definition::Definition)>>,
}

impl Scopes {
    fn shadows(&self, table: &str) -> bool {
        self.names.iter().flatten().any(|name| name == table)
    }

    /// Whether an expression is that column of that catalog table, by the name the table has around here.
    fn is_column(&self, expr: &Expr, table: &str, column: &str) -> bool {
        let Expr::CompoundIdentifier(parts) = expr else { return false };
        let [of, name] = parts.as_slice() else { return false };
        let of = fold(of);
        let found = self.tables.iter().rev().flatten().find(|(known, _)| *known == of);
        fold(name) == column && found.is_some_and(|(_, definition)| definition.name == table)
    }

    /// The catalog table a name stands for, when it stands for one.
    fn catalog_table(&self, name: &ObjectName) -> Option<&'static definition::Definition> {
        let parts: Vec<String> = name.0.iter().filter_map(|part| part.as_ident().map(fold)).collect();
        match parts.as_slice() {
            [table] if !self.shadows(table) => definition::find(table),
            [schema, table] | [_, schema, table] if schema == "pg_catalog" => definition::find(table),
            _ => None,
        }
    }
}

/// An identifier as the catalog spells it.
fn fold(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

struct Rewriter<'a> {
    scopes: Scopes,
    /// The names of unnamed columns of each SELECT around.
    given: Vec<Vec<Option<String>>>,
    place: Place<'a>,
}

impl Rewriter<'_> {
    /// Qualifies a table that the search path finds elsewhere than in `public`.
    fn find_table(&self, factor: &mut TableFactor) {
        let TableFactor::Table { name, args: None, .. } = factor else { return };
        if let [only] = name.0.as_slice()
            && let Some(table) = only.as_ident()
            && let folded = fold(table)
            && !self.scopes.shadows(&folded)
            && self.scopes.catalog_table(name).is_none()
            && let Some(schema) = (self.place)(&folded)
        {
            let schema = Ident { value: schema, quote_style: Some('"'), span: table.span };
            *name = ObjectName::from(vec![schema, table.clone()]);
        }
    }
}

impl VisitorMut for Rewriter<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let names = query.with.iter().flat_map(|with| &with.cte_tables).map(|cte| fold(&cte.alias.name)).collect();
        self.scopes.names.push(names);
        query.locks.clear();
        names::order_by_position(query);
        limit_by_fetch(query);
        distinct::on_with_subqueries(query);
        lookup::search_in_order(query, &self.scopes);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<()> {
        self.scopes.names.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        empty::prune_projection(select, &self.scopes);
        lookup::search_in_list(select, &self.scopes);
        record::whole_rows(select);
        join::merge_columns(select);
        let tables = system::catalog_tables(select, &self.scopes);
        self.scopes.tables.push(tables);
        self.given.push(names::given(&select.projection));
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        self.scopes.tables.pop();
        let outermost = self.scopes.names.len() == 1;
        names::make_distinct(&mut select.projection, &self.given.pop().unwrap_or_default(), outermost);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        table_function::rewrite(factor);
        self.find_table(factor);
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<()> {
        if let [only] = relation.0.as_slice()
            && only.as_ident().is_some()
            && let Some(definition) = self.scopes.catalog_table(relation)
        {
            *relation = ObjectName::from(vec![ident("pg_catalog"), ident(definition.name)]);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } = expr
            && matches!(inner.as_ref(), Expr::Interval(_))
        {
            // The planner would put the sign before the first of its numbers only.
            **inner = Expr::Nested(Box::new(take(inner)));
        }
        if let Some(query) = build::array_query(expr) {
            empty::settle_recursion(query, &self.scopes);
        }
        empty::branches_never_taken(expr, &self.scopes);
        empty::fold_subquery(expr, &self.scopes);
        lookup::without_limit(expr);
        array::from_subquery(expr);
        lookup::aggregate(expr, &self.scopes);
        system::replace_column(expr, &self.scopes);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        rewrite_expr(expr);
        ControlFlow::Continue(())
    }

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<()> {
        if let Value::EscapedStringLiteral(text) | Value::NationalStringLiteral(text) = &mut value.value {
            value.value = Value::SingleQuotedString(std::mem::take(text));
        } else if let Value::DollarQuotedString(text) = &mut value.value {
            value.value = Value::SingleQuotedString(std::mem::take(&mut text.value));
        }
        ControlFlow::Continue(())
    }
}

/// `FETCH FIRST n ROWS ONLY` is the standard's LIMIT.
fn limit_by_fetch(query: &mut Query) {
    let Some(fetch) = query.fetch.take_if(|fetch| !fetch.with_ties && !fetch.percent) else { return };
    let one = || Expr::Value(Value::Number("1".to_owned(), false).into());
    let rows = Some(fetch.quantity.unwrap_or_else(one));
    match &mut query.limit_clause {
        None => query.limit_clause = Some(LimitClause::LimitOffset { limit: rows, offset: None, limit_by: Vec::new() }),
        Some(LimitClause::LimitOffset { limit: limit @ None, .. }) => *limit = rows,
        // Both are given, which is an error: the planner says so.
        Some(_) => query.fetch = Some(Fetch { with_ties: false, percent: false, quantity: rows }),
    }
}

/// One expression whose parts are rewritten already.
fn rewrite_expr(expr: &mut Expr) {
    match expr {
        Expr::Function(_) => function::rewrite(expr),
        Expr::Identifier(name) if name.quote_style.is_none() => {
            let name = name.value.to_ascii_lowercase();
            if matches!(name.as_str(), "current_schema" | "current_role") {
                *expr = call(&name, Vec::new());
            }
        }
        Expr::Collate { expr: inner, .. } => *expr = take(inner),
        Expr::BinaryOp { .. } => operator::binary(expr),
        Expr::UnaryOp { .. } => operator::unary(expr),
        Expr::Cast { .. } | Expr::TypedString(_) => cast::rewrite(expr),
        Expr::AnyOp { .. } | Expr::AllOp { .. } => array::compare(expr),
        Expr::Interval(interval) => {
            if let Some(read) = literal::interval(interval) {
                *expr = read;
            }
        }
        Expr::SimilarTo { .. } => pattern::similar_to(expr),
        Expr::Substring { .. } => pattern::substring(expr),
        Expr::Like { .. } | Expr::ILike { .. } => pattern::own_escape(expr),
        Expr::CompoundFieldAccess { root, access_chain } => {
            system::from_one(root, access_chain);
            if let (Expr::Nested(record), [AccessExpr::Dot(Expr::Identifier(field))]) =
                (root.as_mut(), access_chain.as_slice())
            {
                *expr = call("get_field", vec![take(record), build::text(&fold(field))]);
            }
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

/// Leaves NULL behind.
fn take(expr: &mut Expr) -> Expr {
    std::mem::replace(expr, null_text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        let mut statement = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap().remove(0);
        rewrite(&mut statement, &|_| None);
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
        check(
            "WITH pg_class AS (SELECT 1 AS oid) SELECT oid FROM pg_class",
            "WITH pg_class AS (SELECT 1 AS oid) SELECT oid FROM pg_class",
        );
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
        check("SELECT 'symbols'::regclass", "SELECT regclass_text('symbols')");
        check("SELECT 'symbols'::regclass::oid", "SELECT regclass_oid('symbols')");
        check("SELECT c.oid::regclass::text FROM c", "SELECT regclass_text(c.oid) FROM c");
        check("SELECT c.oid::pg_catalog.regclass FROM c", "SELECT regclass(c.oid) FROM c");
        check("SELECT 1 WHERE $1::regclass = 5", "SELECT 1 WHERE regclass_oid(CAST($1 AS TEXT)) = 5");
    }

    #[test]
    fn types_are_those_of_postgres() {
        check("SELECT a::float FROM t", "SELECT a::DOUBLE PRECISION FROM t");
        check("SELECT a::timestamptz FROM t", "SELECT a::TIMESTAMPTZ(6) FROM t");
        check("SELECT a::varchar(3), b::name FROM t", "SELECT a::TEXT, b::TEXT FROM t");
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
    fn subqueries_over_empty_tables_are_constants() {
        check(
            "SELECT EXISTS(SELECT 1 FROM pg_trigger t WHERE t.tgrelid = c.oid) FROM pg_class c",
            "SELECT false FROM pg_catalog.pg_class c",
        );
        check("SELECT (SELECT count(*) FROM pg_trigger) FROM pg_class c", "SELECT (0) FROM pg_catalog.pg_class c");
    }

    #[test]
    fn system_columns_of_catalog_tables_are_constants() {
        check(
            "SELECT d.description FROM pg_description d JOIN pg_class c ON d.classoid = c.tableoid",
            "SELECT d.description FROM pg_catalog.pg_description d JOIN pg_catalog.pg_class c ON d.classoid = CAST(1259 AS INT UNSIGNED)",
        );
        check("SELECT s.tableoid FROM symbols s", "SELECT s.tableoid FROM symbols s");
    }

    #[test]
    fn lookups_in_the_catalog_are_aggregated() {
        check(
            "SELECT (SELECT n.nspname FROM pg_namespace n WHERE n.oid = c.relnamespace) FROM pg_class c",
            "SELECT (SELECT first_value(n.nspname) AS \"first_value\" FROM pg_catalog.pg_namespace n WHERE n.oid = c.relnamespace) \
             FROM pg_catalog.pg_class c",
        );
        check(
            "SELECT (SELECT t.typname FROM pg_type t WHERE t.oid = a.x AND a.x <> t.typelem) FROM pg_attribute a",
            "SELECT (SELECT first_value(t.typname) AS \"first_value\" FROM pg_catalog.pg_type t WHERE t.oid = a.x AND t.oid <> t.typelem) \
             FROM pg_catalog.pg_attribute a",
        );
        check("SELECT (SELECT s.type FROM symbols s)", "SELECT (SELECT s.type FROM symbols s)");
    }

    #[test]
    fn unqualified_tables_are_found_along_the_path() {
        let mut statement = Parser::parse_sql(
            &PostgreSqlDialect {},
            "WITH own AS (SELECT * FROM quotes) SELECT * FROM own, trades, live.greeks, generate_series(1, 2) AS s",
        )
        .unwrap()
        .remove(0);
        rewrite(&mut statement, &|table| (table == "quotes" || table == "own").then(|| "live".to_owned()));
        assert_eq!(
            statement.to_string(),
            "WITH own AS (SELECT * FROM \"live\".quotes) SELECT * FROM own, trades, live.greeks, generate_series(1, 2) AS s (s)"
        );
    }

    #[test]
    fn order_is_by_the_names_of_the_result() {
        check("SELECT count(*) FROM t ORDER BY count", "SELECT count(*) FROM t ORDER BY 1");
        check("SELECT count FROM t ORDER BY count", "SELECT count FROM t ORDER BY count");
        check("SELECT a FROM t FETCH FIRST 3 ROWS ONLY", "SELECT a FROM t LIMIT 3");
    }

    #[test]
    fn literals_read_as_in_postgres() {
        check("SELECT '\\x00ff'::bytea", "SELECT decode('00ff', 'hex')");
        check("SELECT INTERVAL '1 day 02:00'", "SELECT INTERVAL '0 months 1 days 7200.000000 seconds'");
        check("SELECT '1.50'::numeric", "SELECT '1.50'::NUMERIC(38,2)");
        check("SELECT 2.5::int", "SELECT CAST(CAST(2.5 AS NUMERIC(38,1)) AS INT)");
    }

    #[test]
    fn counts_have_a_sign() {
        check("SELECT rank() OVER (ORDER BY a) FROM t", "SELECT CAST(rank() OVER (ORDER BY a) AS BIGINT) FROM t");
        check("SELECT array_length(a, 1) FROM t", "SELECT CAST(array_length(a, 1) AS INT) FROM t");
        check("SELECT i.indkey[n - 1] FROM i", "SELECT i.indkey[(n - 1) + 1] FROM i");
    }

    #[test]
    fn similar_patterns_are_anchored_regular_expressions() {
        check("SELECT a SIMILAR TO 'x%_(b|c)' FROM t", "SELECT a ~ '^(?:x.*.(b|c))$' FROM t");
    }
}
