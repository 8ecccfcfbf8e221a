//! The second fence, with less to do for each statement: the fenced unit's tree and chain are found once, when a
//! transaction enters, and what looks at matters keeps its plan. Which rows are seen stays as it was
//! ([`super::m20261128_000003_routing_row_fence`]).

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

use super::m20261128_000003_routing_row_fence::Place;

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
        connection
            .execute_unprepared(&place.fill(FUNCTIONS))
            .await?;
        Ok(())
    }
}

/// A function that SQL wrote is planned again in every statement that calls it; these are inlined, or keep their plan.
const FUNCTIONS: &str = r"
CREATE OR REPLACE FUNCTION enter_row_fence(unit text, reach text) RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM
        set_config('hotline.unit', enter_row_fence.unit, true),
        set_config('hotline.reach', enter_row_fence.reach, true),
        set_config('hotline.units', (
            WITH RECURSIVE below(code, depth) AS (
                SELECT enter_row_fence.unit, 1 WHERE enter_row_fence.unit <> ''
                UNION
                SELECT place.code::text, below.depth + 1
                FROM {schema}.unit AS place JOIN below ON place.parent_code = below.code
                WHERE enter_row_fence.reach = 'tree' AND below.depth < {depth}
            )
            SELECT COALESCE(array_agg(DISTINCT below.code), '{}')::text FROM below
        ), true),
        set_config('hotline.chain', (
            WITH RECURSIVE above(code, depth) AS (
                SELECT enter_row_fence.unit, 1 WHERE enter_row_fence.unit <> ''
                UNION
                SELECT place.parent_code::text, above.depth + 1
                FROM {schema}.unit AS place JOIN above ON place.code = above.code
                WHERE place.parent_code <> '' AND above.depth < {depth}
            )
            SELECT COALESCE(array_agg(DISTINCT above.code), '{}')::text FROM above
        ), true);
    PERFORM set_config('role', '{role}', true);
END
$body$;

-- Nothing that was not set shows anything.
CREATE OR REPLACE FUNCTION fenced_units() RETURNS text[] LANGUAGE sql STABLE AS $body$
    SELECT COALESCE(NULLIF(current_setting('hotline.units', true), ''), '{}')::text[]
$body$;

CREATE OR REPLACE FUNCTION fenced_chain() RETURNS text[] LANGUAGE sql STABLE AS $body$
    SELECT COALESCE(NULLIF(current_setting('hotline.chain', true), ''), '{}')::text[]
$body$;

CREATE OR REPLACE FUNCTION matters_complain(asked uuid, units text[]) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = {schema}, pg_temp AS $body$
BEGIN
    RETURN EXISTS (
        SELECT 1 FROM ticket_matter
        WHERE ticket_id = asked
        AND jsonb_exists_any(confidentiality::jsonb -> 'complained_unit_codes', units)
    );
END
$body$;
";
