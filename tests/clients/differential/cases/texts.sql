-- Functions.
SELECT md5('KO'), initcap('coca cola'), split_part('a,b,c', ',', -1), translate('abc', 'ab', 'x'), reverse('abc'), left('abc', -1), lpad('7', 3, '0'), to_hex(255), encode(sha256('a'), 'hex');
SELECT regexp_match('AAPL 261204C00360000', '(\d{6})([CP])'), regexp_split_to_array('a1b22c', '\d+'), regexp_replace('2026-11-24', '(\d+)-(\d+)-(\d+)', '\3.\2.\1'), regexp_count('banana', 'an'), regexp_substr('abc123', '[0-9]+');
SELECT m FROM regexp_matches('k1 k2', 'k(\d)', 'g') t(m);
SELECT string_to_array('a,,b', ','), string_to_array('a,b', NULL), x FROM string_to_table('p|q', '|') t(x);
SELECT concat('a', true, NULL, 1.5), concat_ws('-', 'a', NULL, 'b'), quote_literal('it''s'), format('%s %I %L', 1, 'A b', NULL);

-- Regular expressions.
SELECT E'x\ny' ~ 'x.y', E'x\ny' ~ '(?n)x.y', 'KO' ~ '^(?=K)', 'noon' ~ '^(.)(.)\2\1$', 'the end' ~ '\mend\M', 'ab' ~* 'B\Z';
SELECT regexp_replace('aXb', 'X', '<\&>'), regexp_replace('abab', 'b', 'c', 'g'), regexp_replace('abab', '(a)(b)', '\2\1', 1, 2);
SELECT 'a_c' LIKE 'a\_c', 'abc' LIKE 'a#_c' ESCAPE '#', 'ABC' ILIKE 'a%', 'abc' SIMILAR TO 'a(b|x)c';
SELECT 'abc' LIKE 'abc\';
SELECT 'abc' ~ '(';

-- Character types.
SELECT 'ab'::char(4) || '|', 'abcdef'::varchar(3), length('a  '::char(5)), 'a '::char(3) = 'a', octet_length('é'::char(2)), pg_typeof('a'::char(3));
