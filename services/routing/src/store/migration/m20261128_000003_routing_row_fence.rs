//! The second fence, on PostgreSQL: a unit's transactions run under a role that may touch few tables, and of
//! tickets and what hangs on them only the unit's rows (decision 0023). SQLite has no roles and gets nothing.
//!
//! The rules are those of `store::scope`, written a second time, over the same tables. The functions that read
//! past the fence belong to the tables' owner and answer about the fenced unit only.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::domain::unit::DEPTH_MAX;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        if connection.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        let place = Place::of(connection).await?;
        for text in [ROLE, FUNCTIONS, TABLES] {
            connection.execute_unprepared(&place.fill(text)).await?;
        }
        Ok(())
    }
}

/// Where the fence is built, as SQL says it.
pub(super) struct Place {
    role: String,
    schema: String,
}

impl Place {
    pub(super) async fn of<C: ConnectionTrait>(connection: &C) -> Result<Self, DbErr> {
        // A role belongs to the whole cluster, so each database, and each schema in it, has one of its own: a name
        // that needs no quotes and has 63 bytes at most.
        let text = "SELECT quote_ident(current_schema()) AS schema, CASE \
                    WHEN octet_length(name) > 63 OR name !~ '^[a-z0-9_]+$' THEN 'hotline_unit_' || md5(name) \
                    ELSE name END AS role \
                    FROM (SELECT 'hotline_unit_' || current_database() || CASE current_schema() \
                    WHEN 'public' THEN '' ELSE '_' || current_schema() END AS name) AS named";
        let statement = Statement::from_sql_and_values(connection.get_database_backend(), text, []);
        let row = connection.query_one_raw(statement).await?;
        let row = row.ok_or_else(|| DbErr::Custom("PostgreSQL has no schema for us".to_owned()))?;
        Ok(Self {
            role: row.try_get("", "role")?,
            schema: row.try_get("", "schema")?,
        })
    }

    pub(super) fn fill(&self, text: &str) -> String {
        text.replace("{role}", &self.role)
            .replace("{schema}", &self.schema)
            .replace("{depth}", &DEPTH_MAX.to_string())
    }
}

/// The role, and that the owner may take it on. Who may not make roles is told what somebody else must run first.
const ROLE: &str = r"
DO $role$
BEGIN
    BEGIN
        IF to_regrole('{role}') IS NULL THEN
            CREATE ROLE {role} NOLOGIN NOINHERIT;
        END IF;
        BEGIN
            SET LOCAL ROLE {role};
            RESET ROLE;
        EXCEPTION WHEN insufficient_privilege THEN
            GRANT {role} TO CURRENT_USER;
            SET LOCAL ROLE {role};
            RESET ROLE;
        END;
    EXCEPTION WHEN insufficient_privilege THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = format('the row fence needs a role that %I may not make; let a superuser run first: '
                'CREATE ROLE %s NOLOGIN NOINHERIT; GRANT %s TO %I;',
                current_user, '{role}', '{role}', current_user);
    END;
END
$role$;
";

/// What the policies ask, and the one way in.
const FUNCTIONS: &str = r"
CREATE FUNCTION enter_row_fence(unit text, reach text) RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM set_config('hotline.unit', unit, true), set_config('hotline.reach', reach, true),
        set_config('role', '{role}', true);
END
$body$;

-- The fenced unit, and with the reach `tree` those under it.
CREATE FUNCTION fenced_units() RETURNS text[] LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = {schema}, pg_temp AS $body$
    WITH RECURSIVE below(code, depth) AS (
        SELECT current_setting('hotline.unit', true), 1 WHERE current_setting('hotline.unit', true) <> ''
        UNION
        SELECT unit.code::text, below.depth + 1 FROM unit JOIN below ON unit.parent_code = below.code
        WHERE current_setting('hotline.reach', true) = 'tree' AND below.depth < {depth}
    )
    SELECT COALESCE(array_agg(DISTINCT code), '{}') FROM below
$body$;

-- The fenced unit and those above it: who complains about one of them complains about it.
CREATE FUNCTION fenced_chain() RETURNS text[] LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = {schema}, pg_temp AS $body$
    WITH RECURSIVE above(code, depth) AS (
        SELECT current_setting('hotline.unit', true), 1 WHERE current_setting('hotline.unit', true) <> ''
        UNION
        SELECT unit.parent_code::text, above.depth + 1 FROM unit JOIN above ON unit.code = above.code
        WHERE unit.parent_code <> '' AND above.depth < {depth}
    )
    SELECT COALESCE(array_agg(DISTINCT code), '{}') FROM above
$body$;

-- Whether a matter on a ticket complains about one of these units. It reads all matters: those that are hidden count.
CREATE FUNCTION matters_complain(asked uuid, units text[]) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = {schema}, pg_temp AS $body$
    SELECT EXISTS (
        SELECT 1 FROM ticket_matter
        WHERE ticket_id = asked
        AND jsonb_exists_any(confidentiality::jsonb -> 'complained_unit_codes', units)
    )
$body$;
";

/// Which tables the role may touch, and which rows of them.
const TABLES: &str = r"
REVOKE EXECUTE ON FUNCTION fenced_units(), fenced_chain(), matters_complain(uuid, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION fenced_units(), fenced_chain(), matters_complain(uuid, text[]) TO {role};
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT ON unit, unit_alias, area, category, catalogue, keyword, holiday, policy_profile, registry_version
    TO {role};
GRANT SELECT, UPDATE ON ticket TO {role};
GRANT SELECT ON ticket_matter TO {role};
GRANT SELECT, INSERT ON ticket_step TO {role};

ALTER TABLE ticket ENABLE ROW LEVEL SECURITY;
ALTER TABLE ticket_matter ENABLE ROW LEVEL SECURITY;
ALTER TABLE ticket_step ENABLE ROW LEVEL SECURITY;

CREATE POLICY read_by_unit ON ticket FOR SELECT TO {role} USING (
    (
        lead_unit_code = ANY ((SELECT fenced_units())::text[])
        OR assisting_unit_codes <> '[]'
        AND jsonb_exists_any(assisting_unit_codes::jsonb, (SELECT fenced_units())::text[])
    )
    AND NOT jsonb_exists_any(confidentiality::jsonb -> 'complained_unit_codes', (SELECT fenced_chain())::text[])
    AND NOT matters_complain(id, (SELECT fenced_chain())::text[])
);
CREATE POLICY changed_by_lead ON ticket FOR UPDATE TO {role}
    USING (lead_unit_code <> '' AND lead_unit_code = current_setting('hotline.unit', true))
    WITH CHECK (lead_unit_code <> '' AND lead_unit_code = current_setting('hotline.unit', true));

-- What hangs on a ticket is seen by whoever sees the ticket.
CREATE POLICY read_with_ticket ON ticket_matter FOR SELECT TO {role} USING (
    EXISTS (SELECT 1 FROM ticket WHERE ticket.id = ticket_matter.ticket_id)
);
CREATE POLICY read_with_ticket ON ticket_step FOR SELECT TO {role} USING (
    EXISTS (SELECT 1 FROM ticket WHERE ticket.id = ticket_step.ticket_id)
);
CREATE POLICY added_by_lead ON ticket_step FOR INSERT TO {role} WITH CHECK (
    EXISTS (
        SELECT 1 FROM ticket WHERE ticket.id = ticket_step.ticket_id
        AND ticket.lead_unit_code <> '' AND ticket.lead_unit_code = current_setting('hotline.unit', true)
    )
);
";
