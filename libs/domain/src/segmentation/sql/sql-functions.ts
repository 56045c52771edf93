/**
 * The schema `rules`: what the compiled queries call. Created once per database by a migration, and again whenever it
 * changes: every statement can be repeated. Needs PostgreSQL 18 and a database in UTF-8. All functions are immutable,
 * answer NULL where a value is not of the kind asked for, and never raise for any JSON.
 */
export const sqlFunctions = `
CREATE SCHEMA IF NOT EXISTS rules;

-- The IANA names (rule 10). Looking one up in pg_timezone_names itself takes a tenth of a second.
-- zone is what AT TIME ZONE is told: it takes some names for abbreviations, which know no daylight saving.
CREATE TABLE IF NOT EXISTS rules.time_zones (name text COLLATE "C" PRIMARY KEY, zone text COLLATE "C" NOT NULL);
INSERT INTO rules.time_zones
  SELECT name, coalesce(meant, name) FROM pg_timezone_names
    LEFT JOIN (VALUES ('CET', 'Europe/Brussels'), ('MET', 'Europe/Brussels'), ('EET', 'Europe/Athens'), ('WET', 'Europe/Lisbon')) AS abbreviations (short, meant) ON short = name
  WHERE name !~ '^(posix|right)/' AND name NOT IN ('Factory', 'localtime', 'posixrules')
  ON CONFLICT (name) DO UPDATE SET zone = excluded.zone;
GRANT USAGE ON SCHEMA rules TO PUBLIC;
GRANT SELECT ON rules.time_zones TO PUBLIC;

-- A JSON number as a double (rule 13). jsonb keeps any number of digits, so what no double can hold is cut here:
-- the bounds are half a unit beyond the greatest double, and half the smallest.
CREATE OR REPLACE FUNCTION rules.num(value jsonb) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN jsonb_typeof(value) = 'number' THEN
    CASE
      WHEN abs((value #>> '{}')::numeric) >= 1.797693134862315807e308 THEN sign((value #>> '{}')::numeric)::float8 * 'Infinity'::float8
      WHEN abs((value #>> '{}')::numeric) <= 2.4703282292062327e-324 THEN 0::float8
      ELSE (value #>> '{}')::float8
    END
  END
$$;

CREATE OR REPLACE FUNCTION rules.str(value jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE jsonb_typeof(value) WHEN 'string' THEN value #>> '{}' END
$$;

-- Unicode default lower-casing, whatever the locale of the database (rule 14).
CREATE OR REPLACE FUNCTION rules.lower_case(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT lower(value COLLATE pg_catalog.pg_unicode_fast) COLLATE "C"
$$;

CREATE OR REPLACE FUNCTION rules.lower_case_json(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE jsonb_typeof(value) WHEN 'string' THEN to_jsonb(rules.lower_case(value #>> '{}')) ELSE value END
$$;

-- The same JSON with every number as a double, so that = on the results is rule 13.
CREATE OR REPLACE FUNCTION rules.canonical(value jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  CASE jsonb_typeof(value)
    WHEN 'number' THEN
      RETURN CASE WHEN abs(rules.num(value)) < 'Infinity' THEN to_jsonb(rules.num(value)) ELSE value END;
    WHEN 'array' THEN
      RETURN coalesce((SELECT jsonb_agg(rules.canonical(item) ORDER BY place) FROM jsonb_array_elements(value) WITH ORDINALITY AS list(item, place)), '[]');
    WHEN 'object' THEN
      RETURN coalesce((SELECT jsonb_object_agg(pair.key, rules.canonical(pair.value)) FROM jsonb_each(value) AS pair), '{}');
    ELSE RETURN value;
  END CASE;
END
$$;

-- Type and value of a scalar (rule 20, distinct); NULL for arrays, objects and what is absent.
CREATE OR REPLACE FUNCTION rules.scalar(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE jsonb_typeof(value) WHEN 'number' THEN rules.canonical(value) WHEN 'string' THEN value WHEN 'boolean' THEN value END
$$;

-- -1, 0 or 1: numbers with numbers, strings with strings by UTF-8 bytes; NULL for other pairs (rule 13).
CREATE OR REPLACE FUNCTION rules.compare(a jsonb, b jsonb) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN jsonb_typeof(a) = 'number' AND jsonb_typeof(b) = 'number' THEN
      CASE WHEN rules.num(a) < rules.num(b) THEN -1 WHEN rules.num(a) > rules.num(b) THEN 1 ELSE 0 END
    WHEN jsonb_typeof(a) = 'string' AND jsonb_typeof(b) = 'string' THEN
      CASE WHEN rules.str(a) COLLATE "C" < rules.str(b) COLLATE "C" THEN -1 WHEN rules.str(a) COLLATE "C" > rules.str(b) COLLATE "C" THEN 1 ELSE 0 END
  END
$$;

-- A double as the decimal number it is printed as: the shortest that reads back as the same double.
CREATE OR REPLACE FUNCTION rules.dec(value float8) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT value::text::numeric
$$;

-- A JSON number rounded to six decimals, half away from zero, exact from there on (rule 20).
CREATE OR REPLACE FUNCTION rules.six(value jsonb) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT round(rules.dec(rules.num(value)), 6)
$$;

CREATE OR REPLACE FUNCTION rules.is_leap(year int) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT year % 4 = 0 AND (year % 100 <> 0 OR year % 400 = 0)
$$;

CREATE OR REPLACE FUNCTION rules.month_days(year int, month int) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN month = 2 THEN CASE WHEN rules.is_leap(year) THEN 29 ELSE 28 END WHEN month IN (4, 6, 9, 11) THEN 30 ELSE 31 END
$$;

-- Days since 1970-01-01 in the proleptic Gregorian calendar, which has a year 0. Days are counted from 1 March of
-- year 0 with March as the first month, so that a leap day is the last of its year.
CREATE OR REPLACE FUNCTION rules.day_number(year int, month int, day int) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT 365 * y + floor(y / 4.0)::int - floor(y / 100.0)::int + floor(y / 400.0)::int + (153 * ((month + 9) % 12) + 2) / 5 + day - 1 - 719468
  FROM (SELECT CASE WHEN month <= 2 THEN year - 1 ELSE year END AS y) AS shifted
$$;

-- Reads an instant (rule 11): epoch ms, and month * 100 + day as written. No row for what is no instant.
CREATE OR REPLACE FUNCTION rules.read_instant(value jsonb, OUT ms float8, OUT month_day int) LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  part text[];
  y int; m int; d int;
BEGIN
  IF jsonb_typeof(value) = 'number' THEN
    ms := floor(rules.num(value));
    -- The years 0 to 9999; beyond them no month and day can have been meant.
    IF ms BETWEEN -62167219200000 AND 253402300799999 THEN
      month_day := extract(month FROM day)::int * 100 + extract(day FROM day)::int
        FROM (SELECT date '1970-01-01' + floor(ms / 86400000)::int AS day) AS written;
    END IF;
    RETURN;
  END IF;
  part := regexp_match(rules.str(value) COLLATE "C",
    '^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.]([0-9]+))?)?(?:Z|([+-])([0-9]{2}):([0-9]{2}))?)?$');
  IF part IS NULL THEN RETURN; END IF;
  y := part[1]::int; m := part[2]::int; d := part[3]::int;
  IF m NOT BETWEEN 1 AND 12 OR d < 1 OR d > rules.month_days(y, m) THEN RETURN; END IF;
  IF part[4]::int > 23 OR part[5]::int > 59 OR part[6]::int > 59 OR part[9]::int > 23 OR part[10]::int > 59 THEN RETURN; END IF;
  month_day := m * 100 + d;
  ms := rules.day_number(y, m, d) * 86400000::bigint
    + ((coalesce(part[4]::int, 0) * 60 + coalesce(part[5]::int, 0)) * 60 + coalesce(part[6]::int, 0)) * 1000
    + left(coalesce(part[7], '') || '000', 3)::int
    - coalesce((part[8] || '1')::int * (part[9]::int * 60 + part[10]::int) * 60000, 0);
END
$$;

CREATE OR REPLACE FUNCTION rules.instant(value jsonb) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (rules.read_instant(value)).ms
$$;

CREATE OR REPLACE FUNCTION rules.month_day(value jsonb) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (rules.read_instant(value)).month_day
$$;

-- Seconds by which the zone is ahead of UTC at an instant (epoch seconds).
CREATE OR REPLACE FUNCTION rules.zone_offset(at_s bigint, zone text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT extract(epoch FROM to_timestamp(at_s) AT TIME ZONE zone)::bigint - at_s
$$;

-- The first instant (epoch ms) of a local day (days since 1970-01-01), through daylight-saving changes (rule 9).
-- A day that the zone skips altogether begins where the next one does.
CREATE OR REPLACE FUNCTION rules.day_start(day int, zone text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  midnight bigint := day * 86400::bigint;
  -- Before the day begins anywhere on earth, and after the last change that could matter to it.
  unchanged bigint := midnight - 129600;
  before bigint := rules.zone_offset(unchanged, zone);
  changed bigint := midnight - before;
  middle bigint;
BEGIN
  IF rules.zone_offset(changed, zone) = before THEN RETURN changed * 1000; END IF;
  WHILE changed - unchanged > 1 LOOP
    middle := (changed + unchanged) / 2;
    IF rules.zone_offset(middle, zone) = before THEN unchanged := middle; ELSE changed := middle; END IF;
  END LOOP;
  RETURN greatest(changed, midnight - rules.zone_offset(changed, zone)) * 1000;
END
$$;

-- The local day that an instant lies in: the last one that has begun. Where clocks go back over midnight this is
-- not the date on the wall for that hour, but days follow each other without overlap.
CREATE OR REPLACE FUNCTION rules.local_day(at_ms bigint, zone text) RETURNS int LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  at_s bigint := floor(at_ms / 1000.0);
  day int := floor((at_s + rules.zone_offset(at_s, zone)) / 86400.0);
BEGIN
  RETURN CASE WHEN rules.day_start(day + 1, zone) <= at_ms THEN day + 1 ELSE day END;
END
$$;

-- The day on which month_day falls in a year; 29 February is 28 February in common years (rule 16).
CREATE OR REPLACE FUNCTION rules.anniversary_in(year int, month_day int) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT rules.day_number(year, month_day / 100, least(month_day % 100, rules.month_days(year, month_day / 100)))
$$;

-- Days from a local day to the next anniversary, 0 on the day itself.
CREATE OR REPLACE FUNCTION rules.days_to_anniversary(today int, month_day int) RETURNS int LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  year int := extract(year FROM date '1970-01-01' + today);
  days int := rules.anniversary_in(year, month_day) - today;
BEGIN
  RETURN CASE WHEN days >= 0 THEN days ELSE rules.anniversary_in(year + 1, month_day) - today END;
END
$$;

-- The first 8 bytes of the hash that decides the bucket of a profile (rule 28); bytea compares as unsigned big-endian.
CREATE OR REPLACE FUNCTION rules.bucket_hash(salt text, profile_id uuid) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT substring(sha256(convert_to(salt || ':' || profile_id::text, 'UTF8')) FROM 1 FOR 8)
$$;

-- Where a point of a replay stands among all others of its profile: by instant; at one instant events in the order of
-- the log (sequence), then time (NULL) (rules 3 and 6).
CREATE OR REPLACE FUNCTION rules.place(at_ms bigint, sequence bigint) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT at_ms * 10000000000000000000::numeric + coalesce(sequence, 9223372036854775807)
$$;
`;
