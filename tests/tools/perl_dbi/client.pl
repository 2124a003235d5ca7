# Perl DBI with DBD::Pg: the catalog methods, placeholders and types, COPY, cursors, transactions, errors, cancel, temporary tables.
#
# The server's address comes from PGHOST, PGPORT, PGUSER and PGDATABASE. Says every failure, and then `ok` and the number
# of checks.
use strict;
use warnings;
use utf8;
use DBI qw(:sql_types);
use DBD::Pg qw(:pg_types :async);
use JSON::PP;
use Time::HiRes qw(time);

binmode STDOUT, ':utf8';
binmode STDERR, ':utf8';
my ($checks, $failures) = (0, 0);
my $json = JSON::PP->new->canonical->allow_nonref->allow_blessed;

# Values as they are shown: a number and its text are the same to Perl.
sub shown {
    my ($value) = @_;
    return 'undef' unless defined $value;
    return '[' . join(', ', map { shown($_) } @$value) . ']' if ref $value eq 'ARRAY';
    return '{' . join(', ', map { "$_: " . shown($value->{$_}) } sort keys %$value) . '}' if ref $value eq 'HASH';
    return "$value";
}

sub check {
    my ($what, $got, $wanted) = @_;
    $checks++;
    return if shown($got) eq shown($wanted);
    $failures++;
    print STDERR "$what: wanted " . shown($wanted) . ", got " . shown($got) . "\n";
}

sub holds { check($_[0], $_[1] ? 'true' : 'false', 'true') }

# part NAME, CODE: an exception is a failure of its own, and the next part runs.
sub part {
    my ($name, $code) = @_;
    return if eval { $code->(); 1 };
    $failures++;
    (my $said = $@) =~ s/\n+/ /g;
    print STDERR "$name: stopped by $said\n";
}

sub connection {
    return DBI->connect('dbi:Pg:', '', '', {RaiseError => 1, PrintError => 0, AutoCommit => 1, pg_enable_utf8 => 1, @_});
}

# fails WHAT, SQLSTATE, CODE
sub fails {
    my ($what, $state, $code) = @_;
    my $done = eval { $code->(); 1 };
    check($what, $done ? 'no error' : $DBI::state, $state);
}

my $dbh = connection();

part 'server' => sub {
    check('pg_server_version', int($dbh->{pg_server_version} / 10_000), 16);
    check('ping', $dbh->ping, 1);
    check('pg_ping', $dbh->pg_ping, 1);
    check('dbms', $dbh->get_info(17), 'PostgreSQL');
    check('version as get_info tells it', substr($dbh->get_info(18), 0, 3), '16.');
    check('database', $dbh->{pg_db}, $ENV{PGDATABASE});
    check('user', $dbh->{pg_user}, $ENV{PGUSER});
    check('data sources', [grep { /dbname=$ENV{PGDATABASE}(;|$)/ } DBI->data_sources('Pg')] > 0 ? 1 : 0, 1);
    check('standard strings', $dbh->{pg_standard_conforming_strings}, 'on');
};

part 'table_info' => sub {
    my $rows = $dbh->table_info(undef, 'public', '%', 'TABLE')->fetchall_arrayref({});
    my %found = map { $_->{TABLE_NAME} => $_ } @$rows;
    holds('eod is a table', $found{eod});
    check('type of eod', $found{eod}{TABLE_TYPE}, 'TABLE');
    check('schema of eod', $found{eod}{TABLE_SCHEM}, 'public');
    check('catalog of eod', $found{eod}{TABLE_CAT}, $ENV{PGDATABASE});
    holds('a view is no table', !$found{bars_latest});
    my $views = $dbh->selectcol_arrayref($dbh->table_info(undef, 'public', '%', 'VIEW'), {Columns => [3]});
    holds('bars_latest is a view', scalar grep { $_ eq 'bars_latest' } @$views);
    my $one = $dbh->table_info(undef, undef, 'eod')->fetchall_arrayref({});
    check('tables of the name eod', [map { $_->{TABLE_NAME} } @$one], ['eod']);
    my @schemas = map { $_->[1] } @{$dbh->table_info('', '%', '')->fetchall_arrayref};
    for my $wanted (qw(information_schema live pg_catalog public system)) {
        holds("schema $wanted is listed", scalar grep { $_ eq $wanted } @schemas);
    }
    my @names = $dbh->tables(undef, 'public', 'eod', 'TABLE');
    check('tables()', \@names, ['public.eod']);
    @names = $dbh->tables('', 'live', '%', '');
    holds('live.quotes is among tables of its schema', scalar grep { $_ eq 'live.quotes' } @names);
};

part 'column_info' => sub {
    my $rows = $dbh->column_info(undef, 'public', 'eod', '%')->fetchall_arrayref({});
    check('columns of eod', [map { $_->{COLUMN_NAME} } @$rows], [qw(symbol date open high low close volume open_interest source fetched_at)]);
    my %column = map { $_->{COLUMN_NAME} => $_ } @$rows;
    check('types', [map { $column{$_}{pg_type} } qw(symbol date close volume fetched_at)], ['text', 'date', 'double precision', 'bigint', 'timestamp with time zone']);
    check('DATA_TYPE', [map { $column{$_}{DATA_TYPE} } qw(symbol date close volume fetched_at)], [SQL_LONGVARCHAR, SQL_TYPE_DATE, 6, SQL_BIGINT, SQL_TYPE_TIMESTAMP_WITH_TIMEZONE]);
    check('NULLABLE', [map { $column{$_}{NULLABLE} } qw(symbol close)], [0, 1]);
    check('IS_NULLABLE', [map { $column{$_}{IS_NULLABLE} } qw(symbol close)], ['NO', 'YES']);
    check('ORDINAL_POSITION', $column{close}{ORDINAL_POSITION}, 6);
    holds('a remark on close', length($column{close}{REMARKS} // '') > 0);
    my $one = $dbh->column_info(undef, 'public', 'symbols', 'lists')->fetchall_arrayref({});
    check('an array', [map { [$_->{COLUMN_NAME}, $_->{pg_type}] } @$one], [['lists', 'text[]']]);
};

part 'keys' => sub {
    my $rows = $dbh->primary_key_info(undef, 'public', 'eod')->fetchall_arrayref({});
    check('primary_key_info', [map { [$_->{COLUMN_NAME}, $_->{KEY_SEQ}, $_->{PK_NAME}, $_->{DATA_TYPE}] } @$rows], [['symbol', 1, 'eod_pkey', 'text'], ['date', 2, 'eod_pkey', 'date']]);
    check('primary_key', [$dbh->primary_key(undef, 'public', 'option_chains')], [qw(underlying expiration strike side symbol)]);
    my $foreign = $dbh->foreign_key_info(undef, 'public', 'eod', undef, undef, undef);
    check('foreign keys', $foreign ? $foreign->fetchall_arrayref : [], []);
};

part 'statistics_info' => sub {
    my $stats = $dbh->statistics_info(undef, 'public', 'eod', undef, undef)->fetchall_arrayref({});
    my @found = sort { $a->[0] cmp $b->[0] || $a->[2] <=> $b->[2] } map { [@$_{qw(TYPE INDEX_NAME ORDINAL_POSITION COLUMN_NAME NON_UNIQUE)}] } @$stats;
    check('statistics_info', \@found, [['btree', 'eod_pkey', 1, 'symbol', 0], ['btree', 'eod_pkey', 2, 'date', 0], ['table', undef, undef, undef, undef]]);
    holds('rows of eod by its statistics', (grep { $_->{TYPE} eq 'table' } @$stats)[0]{CARDINALITY} > 100_000);
    my $unique = $dbh->statistics_info(undef, 'public', 'eod', 1, undef)->fetchall_arrayref({});
    check('unique only', [map { $_->{INDEX_NAME} } grep { $_->{INDEX_NAME} } @$unique], ['eod_pkey', 'eod_pkey']);
};

part 'type_info' => sub {
    my $all = $dbh->type_info_all;
    my $place = $all->[0]{TYPE_NAME};
    my @names = map { $_->[$place] } @$all[1 .. $#$all];
    for my $wanted (qw(int8 text timestamptz float8 bool)) {
        holds("type $wanted", scalar grep { $_ eq $wanted } @names);
    }
    check('type_info of an integer', ($dbh->type_info(SQL_INTEGER))[0]{TYPE_NAME}, 'int4');
};

part 'values' => sub {
    my $sth = $dbh->prepare(q{
        SELECT true AS b, 1::smallint AS s, 2::int AS i, 9223372036854775807::bigint AS l, 1.5::real AS r, 0.1::float8 AS d, 12.50::numeric(10, 2) AS n,
            'é ''x''' AS t, date '2026-11-20' AS day, timestamp '2026-11-20 09:30:00.25' AS local, timestamptz '2026-11-20 09:30:00-05' AS instant,
            interval '1 day 2 hours' AS span, ARRAY['a', NULL, 'b"c'] AS texts, '\x00ff10'::bytea AS bytes, NULL::float8 AS nothing});
    $sth->execute;
    check('NAME', $sth->{NAME}, [qw(b s i l r d n t day local instant span texts bytes nothing)]);
    check('pg_type', $sth->{pg_type}, [qw(bool int2 int4 int8 float4 float8 numeric text date timestamp timestamptz interval _text bytea float8)]);
    check('PRECISION and SCALE of a numeric', [$sth->{PRECISION}[6], $sth->{SCALE}[6]], [10, 2]);
    my @row = $sth->fetchrow_array;
    check('values', [@row[0 .. 12]], [1, 1, 2, '9223372036854775807', 1.5, 0.1, '12.50', "é 'x'", '2026-11-20', '2026-11-20 09:30:00.25', '2026-11-20 14:30:00+00', '1 day 02:00:00', ['a', undef, 'b"c']]);
    check('bytes', $row[13], "\x00\xff\x10");
    check('NULL', $row[14], undef);
    check('pg_size', [@{$sth->{pg_size}}[1, 2, 3, 7]], [2, 4, 8, -1]);
    my $from = $dbh->prepare('SELECT symbol, close, volume FROM eod LIMIT 0');
    $from->execute;
    check('NUM_OF_FIELDS', $from->{NUM_OF_FIELDS}, 3);
    check('NAME_uc', $from->{NAME_uc}, [qw(SYMBOL CLOSE VOLUME)]);
    my ($lists, $active) = $dbh->selectrow_array(q{SELECT lists, active FROM symbols WHERE symbol = 'SPY'});
    check('SPY', [$lists, $active], [['etf'], 1]);
};

part 'parameters' => sub {
    my ($wanted) = $dbh->selectrow_array(q{SELECT count(*) FROM eod WHERE symbol = 'AAPL' AND date >= '2026-01-02' AND close > 1});
    holds('there are bars', $wanted > 100);
    for my $prepare (0, 1, 2) {
        local $dbh->{pg_server_prepare} = $prepare ? 1 : 0;
        local $dbh->{pg_switch_prepared} = $prepare;
        my $sth = $dbh->prepare('SELECT count(*) FROM eod WHERE symbol = ? AND date >= ? AND close > ?');
        for (1 .. 4) {
            check("bars, server_prepare=$prepare", $dbh->selectrow_array($sth, undef, 'AAPL', '2026-01-02', 1.0), $wanted);
        }
        $sth = $dbh->prepare('SELECT count(*) FROM eod WHERE symbol = $1 AND date >= $2 AND close > $3');
        $sth->bind_param(1, 'AAPL');
        $sth->bind_param(2, '2026-01-02', {pg_type => PG_DATE});
        $sth->bind_param(3, 1, SQL_FLOAT);
        $sth->execute;
        check("typed, server_prepare=$prepare", $sth->fetchrow_arrayref, [$wanted]);
        check("ParamTypes, server_prepare=$prepare", [sort keys %{$sth->{ParamTypes}}], [1, 2, 3]);
        check("named, server_prepare=$prepare", [do {
            my $named = $dbh->prepare('SELECT :a::text || :b::text || :a::text');
            $named->bind_param(':a', 'x');
            $named->bind_param(':b', 'y');
            $named->execute;
            $named->fetchrow_array;
        }], ['xyx']);
        check("NULLs, server_prepare=$prepare", [$dbh->selectrow_array('SELECT ?::text, ?::int, ?::float8', undef, undef, undef, undef)], [undef, undef, undef]);
        check("a quote, server_prepare=$prepare", [$dbh->selectrow_array(q{SELECT ?::text || 'x'}, undef, q{'; drop table eod; --})], [q{'; drop table eod; --x}]);
        check("an array, server_prepare=$prepare", $dbh->selectcol_arrayref('SELECT symbol FROM symbols WHERE symbol = ANY(?) ORDER BY symbol', undef, ['AAPL', 'MSFT', 'nosuch']), ['AAPL', 'MSFT']);
        check("limit, server_prepare=$prepare", scalar @{$dbh->selectcol_arrayref('SELECT symbol FROM symbols LIMIT ? OFFSET ?', undef, 5, 2)}, 5);
        my $typed = $dbh->prepare('SELECT pg_typeof(?), ?::bytea, ?');
        $typed->bind_param(1, 1, {pg_type => PG_BOOL});
        $typed->bind_param(2, "\x00\xff", {pg_type => PG_BYTEA});
        $typed->bind_param(3, '12.75', {pg_type => PG_NUMERIC});
        $typed->execute;
        check("bool, bytea, numeric, server_prepare=$prepare", $typed->fetchrow_arrayref, ['boolean', "\x00\xff", '12.75']);
        my $seven = $dbh->prepare('SELECT ?');
        $seven->bind_param(1, 7, SQL_INTEGER);
        $seven->execute;
        check("an integer, server_prepare=$prepare", [$seven->{pg_type}[0], $seven->fetchrow_array], ['int4', 7]);
    }
    check('quote', $dbh->quote(q{it's \\}), q{E'it''s \\\\'});
    check('a quoted value', $dbh->selectrow_array('SELECT ' . $dbh->quote(q{it's \\ é})), q{it's \\ é});
    check('quote_identifier', $dbh->quote_identifier('A b'), '"A b"');
    check('two statements by do', [$dbh->do('SELECT 1; SELECT 2'), $dbh->selectrow_array('SELECT 3')], [1, 3]);
    # `??` is an operator's question mark.
    check('a question mark', $dbh->selectrow_array(q{SELECT '{"a": 1}'::jsonb \? ?}, undef, 'a'), 1);
};

part 'nested arrays' => sub {
    check('read', [$dbh->selectrow_array(q{SELECT '{{1,2},{3,NULL}}'::int[]})], [[[1, 2], [3, undef]]]);
    check('sent', [$dbh->selectrow_array('SELECT ?::int[]', undef, [[1, 2], [3, undef]])], [[[1, 2], [3, undef]]]);
};

part 'rows' => sub {
    my ($total) = $dbh->selectrow_array('SELECT count(*) FROM eod');
    my $sth = $dbh->prepare('SELECT symbol, date, close FROM eod ORDER BY symbol, date');
    $sth->execute;
    check('rows()', $sth->rows, $total);
    my ($seen, $last) = (0, '');
    while (my $row = $sth->fetchrow_arrayref) {
        $seen++;
        die "$row->[0] $row->[1] after $last" if "$row->[0] $row->[1]" lt $last;
        $last = "$row->[0] $row->[1]";
    }
    check('rows in order', $seen, $total);
    my $hash = $dbh->selectall_hashref(q{SELECT symbol, type FROM symbols WHERE symbol IN ('AAPL', 'SPY')}, 'symbol');
    check('selectall_hashref', $hash, {AAPL => {symbol => 'AAPL', type => 'equity'}, SPY => {symbol => 'SPY', type => $hash->{SPY}{type}}});
    my $pages = $dbh->prepare('SELECT symbol FROM symbols ORDER BY symbol');
    $pages->execute;
    my $names = 0;
    while (my $page = $pages->fetchall_arrayref(undef, 100)) {
        last unless @$page;
        $names += @$page;
    }
    check('rows in pages', $names, $dbh->selectrow_array('SELECT count(*) FROM symbols'));
};

part 'cursor' => sub {
    my $other = connection(AutoCommit => 0);
    $other->do('DECLARE bars CURSOR FOR SELECT symbol, date FROM eod ORDER BY symbol, date');
    my ($first) = @{$other->selectall_arrayref('FETCH 3 FROM bars')};
    my ($seen, $page) = (3);
    while (@{$page = $other->selectall_arrayref('FETCH FORWARD 50000 FROM bars')}) { $seen += @$page }
    check('rows of a cursor', $seen, $other->selectrow_array('SELECT count(*) FROM eod'));
    $other->do('CLOSE bars');
    check('its first row', $first->[0], 'A');
    $other->do('DECLARE names SCROLL CURSOR FOR SELECT symbol FROM symbols ORDER BY symbol');
    my $names = $other->selectcol_arrayref('FETCH 3 FROM names');
    check('back', $other->selectcol_arrayref('FETCH PRIOR FROM names'), [$names->[1]]);
    check('MOVE', $other->do('MOVE 5 IN names'), 5);
    check('to its first row', $other->selectcol_arrayref('FETCH FIRST FROM names'), [$names->[0]]);
    $other->commit;
    $other->disconnect;
};

part 'transactions' => sub {
    my $other = connection(AutoCommit => 0);
    check('idle', $other->ping, 1);
    $other->selectrow_array('SELECT 1');
    check('in a transaction', $other->ping, 3);
    fails('an unknown column', '42703', sub { $other->do('SELECT nosuch') });
    check('in a failed one', $other->ping, 4);
    fails('after an error', '25P02', sub { $other->selectrow_array('SELECT 1') });
    $other->rollback;
    check('after rollback', $other->selectrow_array('SELECT 1'), 1);
    $other->pg_savepoint('here');
    fails('inside a savepoint', '22012', sub { $other->selectrow_array('SELECT 1/0') });
    $other->pg_rollback_to('here');
    check('after going back', $other->selectrow_array('SELECT 2'), 2);
    $other->pg_release('here');
    $other->commit;
    $other->disconnect;
    $dbh->begin_work;
    check('AutoCommit in begin_work', $dbh->{AutoCommit}, '');
    $dbh->commit;
    check('AutoCommit after commit', $dbh->{AutoCommit}, 1);
};

part 'errors' => sub {
    for (
        ['SELEC 1', '42601'], ['SELECT * FROM nosuch', '42P01'], ['SELECT nosuch FROM eod', '42703'], ['SELECT nosuch(1)', '42883'],
        [q{SELECT 'abc'::int}, '22P02'], ['SELECT 1/0', '22012'], [q{COPY (SELECT 1) TO '/tmp/stolen'}, '42501'],
    ) {
        my ($sql, $state) = @$_;
        fails($sql, $state, sub { $dbh->do($sql) });
        check("state of $sql", $dbh->state, $state);
    }
    fails('a bad parameter', '22P02', sub { $dbh->selectrow_array('SELECT ?::int', undef, 'abc') });
    eval { $dbh->do('SELECT nosuch FROM eod') };
    check('severity', $dbh->pg_error_field('severity'), 'ERROR');
    check('position', $dbh->pg_error_field('statement_position'), 8);
    check('message', $dbh->pg_error_field('message_primary'), 'column "nosuch" does not exist');
    fails('a change of the lake', '25006', sub { $dbh->do(q{INSERT INTO eod (symbol, date) VALUES ('X', '2026-01-01')}) });
};

part 'copy' => sub {
    my $sql = q{SELECT symbol, date, close FROM eod WHERE symbol = 'AAPL' ORDER BY date LIMIT 3};
    my $wanted = $dbh->selectall_arrayref($sql);
    $dbh->do("COPY ($sql) TO STDOUT");
    my ($line, @lines) = ('');
    while ($dbh->pg_getcopydata($line) >= 0) { chomp $line; push @lines, [split /\t/, $line] }
    check('COPY TO STDOUT', \@lines, $wanted);
    $dbh->do('CREATE TEMP TABLE taken (symbol text, day date, price numeric(10, 2), note text)');
    $dbh->do('COPY taken (symbol, day, price, note) FROM STDIN');
    $dbh->pg_putcopydata("A\t2026-01-02\t1.50\t\\N\n");
    $dbh->pg_putcopydata("B\t2026-01-03\t\\N\tx\\ty é\n");
    $dbh->pg_putcopyend;
    check('rows that were put', $dbh->selectall_arrayref('SELECT * FROM taken ORDER BY symbol'), [['A', '2026-01-02', '1.50', undef], ['B', '2026-01-03', undef, "x\ty é"]]);
    $dbh->do(q{COPY taken FROM STDIN WITH (FORMAT csv, HEADER, NULL '')});
    $dbh->pg_putcopydata(qq{symbol,day,price,note\nC,2026-01-04,2,"a ""b"""\n});
    $dbh->pg_putcopyend;
    check('a row of CSV', $dbh->selectall_arrayref(q{SELECT price, note FROM taken WHERE symbol = 'C'}), [['2.00', 'a "b"']]);
    $dbh->do('COPY taken FROM STDIN');
    $dbh->pg_putcopydata("D\tno date\t1\tx\n");
    fails('a bad row', '22007', sub { $dbh->pg_putcopyend });
    check('nothing of it is kept', $dbh->selectrow_array('SELECT count(*) FROM taken'), 3);
    $dbh->do('DROP TABLE taken');
};

part 'temporary' => sub {
    check('CREATE TEMP TABLE', $dbh->do('CREATE TEMP TABLE watched (symbol text PRIMARY KEY, top float8, seen timestamptz)'), '0E0');
    my $put = $dbh->prepare('INSERT INTO watched (symbol, top) VALUES (?, ?)');
    check('an insert', $put->execute('AAPL', 1.5), 1);
    my @status;
    check('execute_array', $put->execute_array({ArrayTupleStatus => \@status}, ['MSFT', 'SPY', 'X'], [2.5, undef, 3]), 3);
    check('an update', $dbh->do('UPDATE watched SET top = ? WHERE top IS NULL', undef, 9), 1);
    check('a delete', $dbh->do('DELETE FROM watched WHERE symbol = ?', undef, 'X'), 1);
    fails('a key twice', '23505', sub { $put->execute('AAPL', 2) });
    check('rows', $dbh->selectall_arrayref('SELECT symbol, top FROM watched ORDER BY symbol'), [['AAPL', 1.5], ['MSFT', 2.5], ['SPY', 9]]);
    my $joined = $dbh->selectall_arrayref(q{SELECT w.symbol, count(*) FROM watched w JOIN eod e USING (symbol) GROUP BY 1 ORDER BY 1});
    check('joined with eod', [map { $_->[0] } @$joined], ['AAPL', 'MSFT', 'SPY']);
    my $rows = $dbh->table_info(undef, undef, 'watched')->fetchall_arrayref({});
    check('table_info', [map { [$_->{TABLE_NAME}, $_->{TABLE_TYPE}] } @$rows], [['watched', 'LOCAL TEMPORARY']]);
    my $columns = $dbh->column_info(undef, undef, 'watched', '%')->fetchall_arrayref({});
    check('column_info', [map { [$_->{COLUMN_NAME}, $_->{pg_type}] } @$columns], [['symbol', 'text'], ['top', 'double precision'], ['seen', 'timestamp with time zone']]);
    check('primary_key', [$dbh->primary_key(undef, undef, 'watched')], ['symbol']);
    $dbh->begin_work;
    $dbh->do('DELETE FROM watched');
    $dbh->rollback;
    check('after rollback', $dbh->selectrow_array('SELECT count(*) FROM watched'), 3);
    $dbh->do('DROP TABLE watched');
};

part 'async' => sub {
    my $sth = $dbh->prepare('SELECT count(*) FROM symbols WHERE symbol > ?', {pg_async => PG_ASYNC});
    $sth->execute('A');
    my $until = time + 30;
    select(undef, undef, undef, 0.01) until $dbh->pg_ready || time > $until;
    check('pg_result', $dbh->pg_result, 1);
    holds('a row', $sth->fetchrow_array > 100);
    $dbh->do('SELECT count(*) FROM generate_series(1, 100000000000)', {pg_async => PG_ASYNC});
    my $watcher = connection();
    my $active = q{SELECT count(*) FROM pg_stat_activity WHERE pid = ? AND state = 'active'};
    select(undef, undef, undef, 0.01) until $watcher->selectrow_array($active, undef, $dbh->{pg_pid});
    $watcher->disconnect;
    holds('it runs', !$dbh->pg_ready);
    my $began = time;
    check('pg_cancel', $dbh->pg_cancel, 1);
    holds('cancelled soon', time - $began < 5);
    check('its state', $dbh->state, '57014');
    check('the connection goes on', $dbh->selectrow_array('SELECT 1'), 1);
    $dbh->do(q{SET statement_timeout = '200ms'});
    fails('a timeout', '57014', sub { $dbh->do('SELECT count(*) FROM generate_series(1, 100000000000)') });
    $dbh->do('RESET statement_timeout');
};

part 'the rest' => sub {
    check('pg_notifies', $dbh->pg_notifies, undef);
    my $plan = $dbh->selectcol_arrayref(q{EXPLAIN SELECT * FROM eod WHERE symbol = 'AAPL'});
    holds("a plan: $plan->[0]", $plan->[0] =~ /\(cost=.* rows=\d+ width=\d+\)/);
    my ($text) = $dbh->selectrow_array('EXPLAIN (FORMAT JSON) SELECT count(*) FROM eod');
    holds('a plan in JSON', decode_json($text)->[0]{Plan}{'Node Type'});
    $dbh->do(q{SET application_name = 'perl'});
    check('a setting', $dbh->selectrow_array('SHOW application_name'), 'perl');
    my @notices;
    local $SIG{__WARN__} = sub { push @notices, @_ };
    $dbh->do('DROP TABLE IF EXISTS pg_temp.nosuch');
    holds("a notice: @notices", @notices == 1 && $notices[0] =~ /does not exist, skipping/);
    my $clone = $dbh->clone;
    check('a clone', $clone->selectrow_array('SELECT 1'), 1);
    $clone->disconnect;
};

$dbh->disconnect;
print "ok checks=$checks\n" unless $failures;
print STDERR "$failures of $checks checks failed\n" if $failures;
exit($failures ? 1 : 0);
