-- The session's zone beside timestamp and date.
-- zone: America/New_York
SELECT open_at::timestamp, close_at::date, open_at - date, close_at - (date + time '09:30') FROM calendar WHERE date = '2026-11-27';
-- zone: America/New_York
SELECT count(*) FROM calendar WHERE close_at = date + time '13:00';
-- zone: Asia/Tokyo
SELECT count(*) FROM calendar WHERE open_at BETWEEN date '2026-11-24' AND timestamp '2026-11-28 00:00';
-- zone: Europe/Berlin
SELECT greatest(open_at, date), age(close_at, timestamp '2026-01-01'), open_at IN (timestamp '2026-11-27 15:30') FROM calendar WHERE date = '2026-11-27';

-- Local times that are skipped, and that come twice.
-- zone: Europe/Berlin
SELECT timestamp '2026-03-29 02:30'::timestamptz, '2026-10-25 02:30'::timestamptz, timestamptz '2026-03-28 02:30' + interval '1 day';
-- zone: America/Sao_Paulo
SELECT date '2018-11-04'::timestamptz, timestamp '2018-02-17 23:30'::timestamptz;
-- zone: America/New_York
SELECT t, t::timestamptz FROM (VALUES (timestamp '2026-03-08 02:15'), ('2026-11-01 01:15'), ('2026-07-01 12:00')) v(t);
SELECT date_trunc('hour', timestamptz '2026-11-01 06:40Z', 'America/New_York'), date_trunc('minute', timestamptz '2026-10-25 01:40:30Z', 'Europe/Berlin');

-- Texts with patterns.
-- zone: America/New_York
SELECT to_timestamp('05/07/2026 16:00', 'DD/MM/YYYY HH24:MI'), to_timestamp(s, 'YYYY-MM-DD') FROM (VALUES ('2026-07-05')) t(s);
SELECT to_timestamp('2026-07-05 09', 'YYYY-MM-DD HH24'), to_timestamp('09 PM', 'HH12 AM'), to_date('2026-186', 'YYYY-DDD'), to_date('05 Jul 26', 'DD Mon YY');
SELECT to_timestamp('12:00:00.5', 'HH24:MI:SS.MS'), to_date('2461227', 'J'), to_date('2026-W27-7', 'IYYY-"W"IW-ID');
SELECT to_timestamp(1783252800.123456), to_timestamp(-0.5), to_timestamp('infinity'::float8);
SELECT to_timestamp('NaN'::float8);
SELECT to_timestamp(1e18);

-- Parts of times.
SELECT extract(second FROM timestamp '2026-07-05 09:30:15.25'), extract(minute FROM open_at) / 60, date_part('month', date) / 12 FROM calendar WHERE date = '2026-11-27';
SELECT extract(epoch FROM interval '1 year 1 day'), extract(milliseconds FROM time '00:00:01.5'), extract(century FROM date '2026-07-05'), extract(julian FROM date '2026-07-05');
SELECT extract(hour FROM date '2026-07-05');

-- Differences, and the order of intervals.
SELECT timestamp '2026-07-05 12:00' - timestamp '2026-07-03 18:30', extract(day FROM close_at - timestamptz '2026-11-01 00:00Z') FROM calendar WHERE date = '2026-11-27';
SELECT date_trunc('day', timestamp '2026-07-05 12:00' - timestamp '2026-07-03 18:30'), to_char(timestamp '2026-07-05 12:00' - timestamp '2026-07-03 18:30', 'DD HH24:MI');
-- ordered
SELECT i FROM (VALUES (interval '1 month'), ('29 days'), ('31 days'), ('36 hours'), ('1 day')) t(i) ORDER BY i;
SELECT count(DISTINCT i), min(i) = '24 hours', max(i) FROM (VALUES (interval '1 day'), ('24 hours'), ('2 days')) t(i);
SELECT a.i, b.i FROM (VALUES (interval '1 day')) a(i) JOIN (VALUES (interval '24 hours')) b(i) ON a.i = b.i;

-- Zones by name, abbreviation, offset and rule.
SELECT timestamptz '2026-07-05 12:00Z' AT TIME ZONE 'edt', timestamptz '2026-07-05 12:00Z' AT TIME ZONE 'CET', timestamptz '2026-07-05 12:00Z' AT TIME ZONE 'europe/berlin';
SELECT timestamp '2026-07-05 12:00' AT TIME ZONE '+05:30', timestamp '2026-07-05 12:00' AT TIME ZONE INTERVAL '-03:00', '2026-07-05 12:00 Asia/Tokyo'::timestamptz, '2026-07-05 12:00 PST'::timestamptz;
-- before: SET timezone = '-05:00'
SELECT timestamptz '2026-07-05 12:00Z';
-- before: SET timezone = 5.5
SELECT timestamptz '2026-07-05 12:00Z', current_setting('timezone');
-- before: SET timezone = '<+04>-04'
SELECT timestamptz '2026-07-05 12:00Z';
-- before: SET timezone = 'EST5EDT,M3.2.0,M11.1.0'
SELECT timestamptz '2026-07-05 12:00Z', timestamptz '2026-01-05 12:00Z';

-- Special and far moments.
SELECT 'infinity'::timestamptz, '-infinity'::date, isfinite('infinity'::timestamp), date 'infinity' > date '2026-07-05';
SELECT count(*) FROM dividends WHERE date < 'infinity' AND date > '-infinity' AND symbol = 'KO';
SELECT date '0099-07-05 BC', make_date(-1, 7, 5), timestamp '12026-07-05 12:00', 'epoch'::timestamptz, time '24:00', 'today'::date = current_date;

-- Precision.
SELECT '2026-07-05 09:30:15.5'::timestamp(0), time '09:30:59.996'::time(2), timestamptz(1) '2026-07-05 09:30:15.25Z', timestamp '2026-07-05 09:30:15.1234567', '0930'::time, interval '1.2345 s'::interval(2);

-- Series and bins.
SELECT x FROM generate_series(timestamp '2026-01-31', '2026-05-31', '1 month') t(x);
SELECT x FROM generate_series('2026-01-05'::date, timestamp '2026-01-06 12:00', '12 hours') t(x);
SELECT x FROM generate_series(1.5, 4, 0.5) t(x);
SELECT date_bin('15 minutes', open_at, timestamptz '2026-01-01 00:05Z') FROM calendar WHERE date = '2026-11-27';
SELECT date_bin('1 month', timestamp '2026-07-05', timestamp '2026-01-01');
SELECT date_bin('-1 hour', timestamp '2026-07-05', timestamp '2026-01-01');
