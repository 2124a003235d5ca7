//! Every field of sqlparser's tree is planned, rewritten or refused: this file takes each node apart
//! field by field, and refuses those that are set and that nothing behind it reads.
//!
//! No pattern here ends in `..` but of what is refused as a whole, so that a field or a kind of
//! expression which a later sqlparser adds
//! does not compile until somebody decides what it means. Syntax that PostgreSQL does not have is a
//! syntax error; syntax of PostgreSQL that is not answered here is not supported.
//!
//! sqlparser 0.62: one parser reads the syntax of all its dialects, much of it whatever the dialect
//! is, and DataFusion's planner passes over fields that it does not know: a TABLESAMPLE gave all rows.
//! Not needed once DataFusion's planner refuses every field that it does not plan.

use super::expression_fields;
use super::refuse::{Checked, foreign, sort_key, unsupported, wildcard};
use super::spelling::JOIN_NAME;
use super::tree::{Statement, fold};
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    Cte, Distinct, Fetch, GroupByExpr, Ident, Join, JoinConstraint, JoinOperator, LimitClause, LockClause,
    NamedWindowDefinition, NamedWindowExpr, ObjectName, Offset, OrderBy, OrderByKind, Query, Select, SelectFlavor,
    SelectItem, SelectItemQualifiedWildcardKind, SetExpr, SetOperator, SetQuantifier, TableAlias, TableAliasColumnDef,
    TableFactor, TableFunctionArgs, TableSample, TableSampleKind, TableSampleMethod, TableSampleModifier,
    TableSampleQuantity, TableSampleSeed, TableSampleSeedModifier, TableVersion, TableWithJoins, Values, With,
};

/// Checks the statement itself; its queries and expressions are met on the walk.
pub(super) fn statement(statement: &Statement) -> Checked {
    match statement {
        Statement::Explain {
            describe_alias: _,
            analyze: _,
            verbose: _,
            query_plan,
            estimate,
            statement: _,
            format,
            options: _,
        } => {
            foreign(*query_plan, "QUERY")?;
            foreign(*estimate, "ESTIMATE")?;
            foreign(format.is_some(), "FORMAT")
        }
        _ => Ok(()),
    }
}

/// Checks the clauses of a query.
pub(super) fn query(query: &Query) -> Checked {
    let Query { with, body, order_by, limit_clause, fetch, locks, for_clause, settings, format_clause, pipe_operators } =
        query;
    if let Some(With { with_token: _, recursive: _, cte_tables }) = with {
        cte_tables.iter().try_for_each(cte)?;
    }
    set_expr(body)?;
    if let Some(OrderBy { kind, interpolate }) = order_by {
        foreign(interpolate.is_some(), "INTERPOLATE")?;
        match kind {
            OrderByKind::All(_) => foreign(true, "ALL")?,
            OrderByKind::Expressions(keys) => keys.iter().try_for_each(sort_key)?,
        }
    }
    match limit_clause {
        None => {}
        Some(LimitClause::LimitOffset { limit: _, offset, limit_by }) => {
            foreign(!limit_by.is_empty(), "BY")?;
            if let Some(Offset { value: _, rows: _ }) = offset {}
        }
        Some(LimitClause::OffsetCommaLimit { offset: _, limit: _ }) => foreign(true, ",")?,
    }
    if let Some(Fetch { with_ties, percent, quantity: _ }) = fetch {
        foreign(*percent, "PERCENT")?;
        if *with_ties && order_by.is_none() {
            let message = "WITH TIES cannot be specified without ORDER BY clause";
            return Err(QueryError::new(ErrorKind::Syntax, message));
        }
    }
    lock_clauses(locks, body)?;
    foreign(for_clause.is_some(), "FOR")?;
    foreign(settings.is_some(), "SETTINGS")?;
    foreign(format_clause.is_some(), "FORMAT")?;
    foreign(!pipe_operators.is_empty(), "|>")
}

/// Checks a query of WITH; whether it is MATERIALIZED changes no answer.
fn cte(cte: &Cte) -> Checked {
    let Cte { alias, query: _, from, materialized: _, closing_paren_token: _ } = cte;
    foreign(from.is_some(), "FROM")?;
    table_alias(alias, None)
}

/// Checks the body of a query, the sides of its set operations included.
fn set_expr(body: &SetExpr) -> Checked {
    match body {
        // Both are met on the walk; statements that write are refused as such.
        SetExpr::Select(_) | SetExpr::Query(_) => Ok(()),
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => Ok(()),
        SetExpr::SetOperation { left, op, set_quantifier, right } => {
            match op {
                SetOperator::Union | SetOperator::Except | SetOperator::Intersect => {}
                SetOperator::Minus => foreign(true, "MINUS")?,
            }
            match set_quantifier {
                SetQuantifier::All | SetQuantifier::Distinct | SetQuantifier::None => {}
                SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName => {
                    foreign(true, "BY")?;
                }
            }
            set_expr(left)?;
            set_expr(right)
        }
        SetExpr::Values(Values { explicit_row, value_keyword, rows: _ }) => {
            foreign(*explicit_row, "ROW")?;
            foreign(*value_keyword, "VALUE")
        }
        SetExpr::Table(_) => foreign(true, "TABLE"),
    }
}

/// Checks FOR UPDATE and its like: rows are never written here, so that a lock has nothing to keep
/// out, and its clause is read, checked as in PostgreSQL, and has no effect.
fn lock_clauses(locks: &[LockClause], body: &SetExpr) -> Checked {
    let Some(LockClause { lock_type, of: _, nonblock: _ }) = locks.first() else { return Ok(()) };
    let refused = |with: &str| {
        let message = format!("FOR {lock_type} is not allowed with {with}");
        Err(QueryError::new(ErrorKind::NotSupported, message))
    };
    let select = match body {
        SetExpr::Select(select) => select,
        SetExpr::SetOperation { .. } => return refused("UNION/INTERSECT/EXCEPT"),
        SetExpr::Values(_) => return refused("VALUES"),
        _ => return Ok(()),
    };
    if matches!(select.distinct, Some(Distinct::Distinct | Distinct::On(_))) {
        return refused("DISTINCT clause");
    }
    if !matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty()) {
        return refused("GROUP BY clause");
    }
    if select.having.is_some() {
        return refused("HAVING clause");
    }
    let names = select
        .from
        .iter()
        .flat_map(|from| std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)));
    let known: Vec<String> = names.filter_map(name_of).collect();
    for LockClause { lock_type, of, nonblock: _ } in locks {
        if let Some(name) = of.as_ref().and_then(|of| of.0.last()).and_then(|part| part.as_ident()).map(fold)
            && !known.contains(&name)
        {
            let message = format!("relation \"{name}\" in FOR {lock_type} clause not found in FROM clause");
            return Err(QueryError::new(ErrorKind::UnknownTable, message));
        }
    }
    Ok(())
}

/// Whether a name in the list of a USING is that of the join.
fn names_join(name: &ObjectName) -> bool {
    name.0.first().and_then(|part| part.as_ident()).is_some_and(|first| first.value == JOIN_NAME)
}

/// The name by which a table of FROM is known.
fn name_of(factor: &TableFactor) -> Option<String> {
    match factor {
        TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. }
        | TableFactor::Function { alias: Some(alias), .. }
        | TableFactor::UNNEST { alias: Some(alias), .. }
        | TableFactor::NestedJoin { alias: Some(alias), .. } => Some(fold(&alias.name)),
        TableFactor::Table { name, .. } => name.0.last().and_then(|part| part.as_ident()).map(fold),
        _ => None,
    }
}

/// Checks the clauses of one SELECT.
pub(super) fn select(select: &Select) -> Checked {
    let Select {
        select_token: _,
        // They are comments, and the grammar reads none.
        optimizer_hints: _,
        distinct: _,
        select_modifiers,
        top,
        top_before_distinct: _,
        projection,
        exclude,
        // Refused as a statement that writes.
        into: _,
        from,
        lateral_views,
        prewhere,
        selection: _,
        connect_by,
        group_by,
        cluster_by,
        distribute_by,
        sort_by,
        having: _,
        named_window,
        qualify,
        window_before_qualify: _,
        value_table_mode,
        flavor,
    } = select;
    foreign(select_modifiers.is_some(), "SELECT")?;
    foreign(top.is_some(), "TOP")?;
    projection.iter().try_for_each(select_item)?;
    foreign(exclude.is_some(), "EXCLUDE")?;
    for TableWithJoins { relation: _, joins } in from {
        joins.iter().try_for_each(join)?;
    }
    foreign(!lateral_views.is_empty(), "VIEW")?;
    foreign(prewhere.is_some(), "PREWHERE")?;
    foreign(!connect_by.is_empty(), "CONNECT")?;
    match group_by {
        GroupByExpr::All(_) => foreign(true, "ALL")?,
        GroupByExpr::Expressions(_, modifiers) => foreign(!modifiers.is_empty(), "WITH")?,
    }
    foreign(!cluster_by.is_empty(), "CLUSTER")?;
    foreign(!distribute_by.is_empty(), "DISTRIBUTE")?;
    foreign(!sort_by.is_empty(), "SORT")?;
    for NamedWindowDefinition(_, window) in named_window {
        match window {
            NamedWindowExpr::NamedWindow(name) => foreign(true, &name.value)?,
            NamedWindowExpr::WindowSpec(spec) => expression_fields::window(spec)?,
        }
    }
    foreign(qualify.is_some(), "QUALIFY")?;
    foreign(value_table_mode.is_some(), "AS")?;
    match flavor {
        SelectFlavor::Standard => Ok(()),
        SelectFlavor::FromFirst | SelectFlavor::FromFirstNoSelect => foreign(true, "FROM"),
    }
}

/// Checks one column of a list.
fn select_item(item: &SelectItem) -> Checked {
    match item {
        SelectItem::UnnamedExpr(_) => Ok(()),
        SelectItem::ExprWithAlias { expr: _, alias } => name(alias),
        SelectItem::ExprWithAliases { expr: _, aliases: _ } => foreign(true, "("),
        SelectItem::QualifiedWildcard(of, options) => {
            match of {
                SelectItemQualifiedWildcardKind::ObjectName(_) => {}
                SelectItemQualifiedWildcardKind::Expr(_) => unsupported(true, "the expansion of a composite value")?,
            }
            wildcard(options)
        }
        SelectItem::Wildcard(options) => wildcard(options),
    }
}

/// Checks a join: PostgreSQL's joins have a condition, unless they are CROSS JOIN.
fn join(join: &Join) -> Checked {
    let Join { relation: _, global, join_operator } = join;
    foreign(*global, "GLOBAL")?;
    match join_operator {
        JoinOperator::Join(condition)
        | JoinOperator::Inner(condition)
        | JoinOperator::Left(condition)
        | JoinOperator::LeftOuter(condition)
        | JoinOperator::Right(condition)
        | JoinOperator::RightOuter(condition)
        | JoinOperator::FullOuter(condition) => match condition {
            JoinConstraint::On(_) | JoinConstraint::Natural => Ok(()),
            JoinConstraint::Using(columns) => {
                columns.iter().try_for_each(|column| foreign(column.0.len() != 1 && !names_join(column), "."))
            }
            JoinConstraint::None => {
                let message = "syntax error: a join needs ON or USING, unless it is a CROSS JOIN";
                Err(QueryError::new(ErrorKind::Syntax, message))
            }
        },
        JoinOperator::CrossJoin(condition) => foreign(!matches!(condition, JoinConstraint::None), "ON"),
        JoinOperator::Semi(_) | JoinOperator::LeftSemi(_) | JoinOperator::RightSemi(_) => foreign(true, "SEMI"),
        JoinOperator::Anti(_) | JoinOperator::LeftAnti(_) | JoinOperator::RightAnti(_) => foreign(true, "ANTI"),
        JoinOperator::CrossApply | JoinOperator::OuterApply => foreign(true, "APPLY"),
        JoinOperator::AsOf { match_condition: _, constraint } => {
            foreign(matches!(constraint, JoinConstraint::Natural), "NATURAL")?;
            match constraint {
                JoinConstraint::Using(columns) => {
                    columns.iter().try_for_each(|column| foreign(column.0.len() != 1 && !names_join(column), "."))
                }
                _ => Ok(()),
            }
        }
        JoinOperator::StraightJoin(_) => foreign(true, "STRAIGHT_JOIN"),
        JoinOperator::ArrayJoin | JoinOperator::LeftArrayJoin | JoinOperator::InnerArrayJoin => foreign(true, "ARRAY"),
    }
}

/// Checks the share of a table's rows: PostgreSQL's two methods, with one number, and a seed.
fn table_sample(kind: &TableSampleKind) -> Checked {
    let (TableSampleKind::BeforeTableAlias(sample) | TableSampleKind::AfterTableAlias(sample)) = kind;
    let TableSample { modifier, name, quantity, seed, bucket, offset } = sample.as_ref();
    foreign(matches!(modifier, TableSampleModifier::Sample), "SAMPLE")?;
    foreign(bucket.is_some(), "BUCKET")?;
    foreign(offset.is_some(), "OFFSET")?;
    let Some(TableSampleQuantity { parenthesized: true, value: _, unit }) = quantity else {
        return foreign(true, "TABLESAMPLE");
    };
    foreign(unit.is_some(), "PERCENT")?;
    if let Some(TableSampleSeed { modifier, value: _ }) = seed {
        foreign(matches!(modifier, TableSampleSeedModifier::Seed), "SEED")?;
    }
    match name {
        Some(TableSampleMethod::Bernoulli | TableSampleMethod::System) => Ok(()),
        Some(other) => {
            let message = format!("tablesample method {} does not exist", other.to_string().to_lowercase());
            Err(QueryError::new(ErrorKind::UnknownObject, message))
        }
        None => foreign(true, "("),
    }
}

/// Checks a table, a query or a function in FROM.
pub(super) fn table_factor(factor: &TableFactor) -> Checked {
    match factor {
        TableFactor::Table {
            name,
            alias,
            args,
            with_hints,
            version,
            with_ordinality,
            partitions,
            json_path,
            sample,
            index_hints,
        } => {
            if let Some(TableFunctionArgs { args: arguments, settings }) = args {
                foreign(settings.is_some(), "SETTINGS")?;
                arguments.iter().try_for_each(expression_fields::argument)?;
            }
            foreign(!with_hints.is_empty(), "(")?;
            let of_system =
                version.as_ref().is_none_or(|version| matches!(version, TableVersion::ForSystemTimeAsOf(_)));
            foreign(!of_system, "AS")?;
            foreign(version.is_some() && args.is_some(), "FOR")?;
            foreign(*with_ordinality && args.is_none(), "WITH")?;
            foreign(!partitions.is_empty(), "PARTITION")?;
            foreign(json_path.is_some(), "[")?;
            sample.iter().try_for_each(table_sample)?;
            foreign(!index_hints.is_empty(), "INDEX")?;
            alias.iter().try_for_each(|alias| table_alias(alias, args.as_ref().map(|_| name)))
        }
        TableFactor::Derived { lateral: _, subquery: _, alias, sample } => {
            unsupported(sample.is_some(), "TABLESAMPLE")?;
            alias.iter().try_for_each(|alias| table_alias(alias, None))
        }
        TableFactor::Function { lateral: _, name, args, with_ordinality: _, alias } => {
            args.iter().try_for_each(expression_fields::argument)?;
            alias.iter().try_for_each(|alias| table_alias(alias, Some(name)))
        }
        TableFactor::UNNEST { alias, array_exprs: _, with_offset, with_offset_alias, with_ordinality: _ } => {
            foreign(*with_offset || with_offset_alias.is_some(), "OFFSET")?;
            alias.iter().try_for_each(|alias| table_alias(alias, None))
        }
        TableFactor::NestedJoin { table_with_joins, alias } => {
            let TableWithJoins { relation: _, joins } = table_with_joins.as_ref();
            joins.iter().try_for_each(join)?;
            alias.iter().try_for_each(|alias| table_alias(alias, None))
        }
        TableFactor::TableFunction { expr: _, alias: _ } => foreign(true, "TABLE"),
        TableFactor::JsonTable { json_expr: _, json_path: _, columns: _, alias: _ } => foreign(true, "JSON_TABLE"),
        TableFactor::OpenJsonTable { json_expr: _, json_path: _, columns: _, alias: _ } => foreign(true, "OPENJSON"),
        TableFactor::XmlTable { namespaces: _, row_expression: _, passing: _, columns: _, alias: _ } => {
            unsupported(true, "XMLTABLE")
        }
        TableFactor::Pivot { .. } => foreign(true, "PIVOT"),
        TableFactor::Unpivot { .. } => foreign(true, "UNPIVOT"),
        TableFactor::MatchRecognize { .. } => foreign(true, "MATCH_RECOGNIZE"),
        TableFactor::SemanticView { .. } => foreign(true, "SEMANTIC_VIEW"),
    }
}

/// Whether a function gives records, whose columns the statement lists with their types.
fn gives_records(function: &ObjectName) -> bool {
    let name = function.0.last().and_then(|part| part.as_ident()).map(fold).unwrap_or_default();
    name.ends_with("_to_record") || name.ends_with("_to_recordset")
}

/// Checks the alias of a table, or of a function: the columns of records alone have types.
fn table_alias(alias: &TableAlias, function: Option<&ObjectName>) -> Checked {
    let TableAlias { explicit: _, name: table, columns, at } = alias;
    name(table)?;
    for TableAliasColumnDef { name: column, data_type } in columns {
        name(column)?;
        if data_type.is_some() && !function.is_some_and(gives_records) {
            let what = function.map_or_else(String::new, |function| format!(", not for {function}"));
            let message = format!("a column definition list is only allowed for functions returning \"record\"{what}");
            return Err(QueryError::new(ErrorKind::Syntax, message));
        }
    }
    foreign(at.is_some(), "AT")
}

/// Checks a name that the statement gives: a string is none.
fn name(name: &Ident) -> Checked {
    foreign(name.quote_style == Some('\''), &format!("'{}'", name.value))
}
