//! The registry's tables: read whole, replaced whole, counted so that readers notice.

use chrono::Datelike;
use hotline_kernel::calendar::{CountStart, DayKind};
use hotline_platform::bulk;
use hotline_platform::core::CoreError;
use hotline_platform::db::Txn;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};

use super::entity::{
    area, catalogue, category, holiday, keyword, policy_profile, registry_version, unit, unit_alias,
};
use super::{count, from_json, json, stored, unexpected, word};
use crate::domain::catalogue::Entry;
use crate::domain::evidence::Hint;
use crate::domain::load::{Table, TableRows};
use crate::domain::policy::{CategoryDeadlines, Policy};
use crate::domain::registry::{Area, Category, Holiday, Rows, Unit, UnitAlias};
use crate::domain::word::Word;

/// Stands for all tables together where loads are counted.
const WHOLE: &str = "registry";

/// Rises with every load of any table.
pub(crate) async fn stamp(db: &impl ConnectionTrait) -> Result<i64, CoreError> {
    let versions: Vec<i64> = registry_version::Entity::find()
        .select_only()
        .column(registry_version::Column::Version)
        .into_tuple()
        .all(db)
        .await?;
    Ok(versions.iter().sum())
}

/// Counts a load of `table`; returns how many there were with it.
///
/// Every load counts the whole registry first. That row's lock lets one load in at a time, so that a table
/// is checked against what the others hold when it is saved.
pub(crate) async fn count_load(txn: &Txn, table: Table) -> Result<i64, CoreError> {
    count_one(txn, WHOLE).await?;
    count_one(txn, table.word()).await
}

async fn count_one(txn: &Txn, name: &str) -> Result<i64, CoreError> {
    let row = registry_version::Model {
        table_name: name.to_owned(),
        version: 1,
    };
    let next = Expr::col((registry_version::Entity, registry_version::Column::Version)).add(1);
    let again = OnConflict::column(registry_version::Column::TableName)
        .value(registry_version::Column::Version, next)
        .to_owned();
    registry_version::Entity::insert(row.into_active_model().reset_all())
        .on_conflict(again)
        .exec_without_returning(&**txn)
        .await?;
    let row = registry_version::Entity::find_by_id(name)
        .one(&**txn)
        .await?;
    row.map(|row| row.version)
        .ok_or_else(|| unexpected("registry_version.version"))
}

/// Every table's rows.
pub(crate) async fn rows(db: &impl ConnectionTrait) -> Result<Rows, CoreError> {
    let units = unit::Entity::find()
        .order_by_asc(unit::Column::Ordinal)
        .all(db)
        .await?;
    let aliases = unit_alias::Entity::find()
        .order_by_asc(unit_alias::Column::Alias)
        .all(db)
        .await?;
    let areas = area::Entity::find()
        .order_by_asc(area::Column::Ordinal)
        .all(db)
        .await?;
    let categories = category::Entity::find()
        .order_by_asc(category::Column::Ordinal)
        .all(db)
        .await?;
    let entries = catalogue::Entity::find()
        .order_by_asc(catalogue::Column::Ordinal)
        .all(db)
        .await?;
    let keywords = keyword::Entity::find()
        .order_by_asc(keyword::Column::Keyword)
        .all(db)
        .await?;
    let holidays = holiday::Entity::find()
        .order_by_asc(holiday::Column::Date)
        .all(db)
        .await?;
    let policies = policy_profile::Entity::find().all(db).await?;
    Ok(Rows {
        units: units.into_iter().map(to_unit).collect(),
        unit_aliases: aliases
            .into_iter()
            .map(|row| UnitAlias {
                alias: row.alias,
                unit_code: row.unit_code,
            })
            .collect(),
        areas: areas.into_iter().map(to_area).collect::<Result<_, _>>()?,
        categories: categories
            .into_iter()
            .map(to_category)
            .collect::<Result<_, _>>()?,
        catalogue: entries
            .into_iter()
            .map(to_entry)
            .collect::<Result<_, _>>()?,
        keywords: keywords
            .into_iter()
            .map(|row| Hint {
                word: row.keyword,
                code: row.category_code,
                weight: row.weight,
            })
            .collect(),
        holidays: holidays
            .into_iter()
            .map(to_holiday)
            .collect::<Result<_, _>>()?,
        policies: policies
            .into_iter()
            .map(to_policy)
            .collect::<Result<_, _>>()?,
    })
}

/// Puts `loaded` in the place of its table; of the calendar, only the years it has rows of.
pub(crate) async fn replace(txn: &Txn, loaded: &TableRows) -> Result<(), CoreError> {
    match loaded {
        TableRows::Units(rows) => refill(txn, unit_rows(rows)).await,
        TableRows::UnitAliases(rows) => {
            let alias = |row: &UnitAlias| unit_alias::Model {
                alias: row.alias.clone(),
                unit_code: row.unit_code.clone(),
            };
            refill(txn, rows.iter().map(alias).collect()).await
        }
        TableRows::Areas(rows) => refill(txn, area_rows(rows)?).await,
        TableRows::Categories(rows) => refill(txn, category_rows(rows)?).await,
        TableRows::Catalogue(rows) => refill(txn, entry_rows(rows)?).await,
        TableRows::Keywords(rows) => {
            let word = |row: &Hint| keyword::Model {
                keyword: row.word.clone(),
                category_code: row.code.clone(),
                weight: row.weight,
            };
            refill(txn, rows.iter().map(word).collect()).await
        }
        TableRows::Holidays(rows) => replace_years(txn, rows).await,
        TableRows::PolicyProfiles(rows) => refill(txn, policy_rows(rows)?).await,
    }
}

async fn refill<M>(txn: &Txn, rows: Vec<M>) -> Result<(), CoreError>
where
    M: sea_orm::ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    <M::Entity as EntityTrait>::ActiveModel: Send,
{
    <M::Entity as EntityTrait>::delete_many()
        .exec(&**txn)
        .await?;
    insert(txn, rows).await
}

async fn insert<M>(txn: &Txn, rows: Vec<M>) -> Result<(), CoreError>
where
    M: sea_orm::ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    <M::Entity as EntityTrait>::ActiveModel: Send,
{
    let rows = rows
        .into_iter()
        .map(|row| row.into_active_model().reset_all());
    bulk::insert(txn, rows.collect()).await?;
    Ok(())
}

async fn replace_years(txn: &Txn, rows: &[Holiday]) -> Result<(), CoreError> {
    let mut years: Vec<i32> = rows.iter().map(|row| row.date.year()).collect();
    years.dedup();
    for year in years {
        holiday::Entity::delete_many()
            .filter(holiday::Column::Date.starts_with(format!("{year}-")))
            .exec(&**txn)
            .await?;
    }
    let row = |row: &Holiday| holiday::Model {
        date: row.date.to_string(),
        kind: if row.kind == DayKind::Holiday {
            "holiday"
        } else {
            "workday"
        }
        .to_owned(),
        name: row.name.clone(),
    };
    insert(txn, rows.iter().map(row).collect()).await
}

fn ordinal(place: usize) -> i32 {
    i32::try_from(place).unwrap_or(i32::MAX)
}

fn unit_rows(rows: &[Unit]) -> Vec<unit::Model> {
    let row = |(place, row): (usize, &Unit)| unit::Model {
        code: row.code.clone(),
        name: row.name.clone(),
        parent_code: row.parent_code.clone(),
        unit_group: row.group.clone(),
        kind: row.kind.clone(),
        ordinal: ordinal(place),
    };
    rows.iter().enumerate().map(row).collect()
}

fn area_rows(rows: &[Area]) -> Result<Vec<area::Model>, CoreError> {
    let row = |(place, row): (usize, &Area)| {
        Ok(area::Model {
            code: row.code.clone(),
            name: row.name.clone(),
            parent_code: row.parent_code.clone(),
            aliases: json("area.aliases", &row.aliases)?,
            ordinal: ordinal(place),
        })
    };
    rows.iter().enumerate().map(row).collect()
}

fn category_rows(rows: &[Category]) -> Result<Vec<category::Model>, CoreError> {
    let row = |(place, row): (usize, &Category)| {
        Ok(category::Model {
            code: row.code.clone(),
            parent_code: row.parent_code.clone(),
            name: row.name.clone(),
            default_unit_code: row.default_unit_code.clone(),
            kind_days: json("category.kind_days", &row.deadlines.days)?,
            urgent_hours: row.deadlines.urgent_hours.map(stored),
            ordinal: ordinal(place),
        })
    };
    rows.iter().enumerate().map(row).collect()
}

fn entry_rows(rows: &[Entry]) -> Result<Vec<catalogue::Model>, CoreError> {
    let day = |day: Option<chrono::NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
    let row = |(place, row): (usize, &Entry)| {
        Ok(catalogue::Model {
            ordinal: ordinal(place),
            category_code: row.category_code.clone(),
            area_code: row.area_code.clone(),
            lead_unit_code: row.lead_unit_code.clone(),
            assisting_unit_codes: json(
                "catalogue.assisting_unit_codes",
                &row.assisting_unit_codes,
            )?,
            source: row.source.clone(),
            valid_from: day(row.valid_from),
            valid_until: day(row.valid_until),
        })
    };
    rows.iter().enumerate().map(row).collect()
}

fn policy_rows(rows: &[Policy]) -> Result<Vec<policy_profile::Model>, CoreError> {
    let row = |row: &Policy| {
        Ok(policy_profile::Model {
            profile: row.profile.clone(),
            valid_from: row.valid_from.to_string(),
            counting: row.counting.word().to_owned(),
            count_start: if row.count_start == CountStart::SameDay {
                "same_day"
            } else {
                "next_day"
            }
            .to_owned(),
            kind_days: json("policy_profile.kind_days", &row.days)?,
            sign_workdays: row.sign_workdays.map(stored),
            return_workdays: stored(row.return_workdays),
            urgent_hours: row.urgent_hours.map(stored),
        })
    };
    rows.iter().map(row).collect()
}

fn to_unit(row: unit::Model) -> Unit {
    Unit {
        code: row.code,
        name: row.name,
        parent_code: row.parent_code,
        group: row.unit_group,
        kind: row.kind,
    }
}

fn to_area(row: area::Model) -> Result<Area, CoreError> {
    let aliases = from_json("area.aliases", &row.aliases)?;
    Ok(Area {
        code: row.code,
        name: row.name,
        parent_code: row.parent_code,
        aliases,
    })
}

fn to_category(row: category::Model) -> Result<Category, CoreError> {
    let deadlines = CategoryDeadlines {
        days: from_json("category.kind_days", &row.kind_days)?,
        urgent_hours: row
            .urgent_hours
            .map(|hours| count("category.urgent_hours", hours))
            .transpose()?,
    };
    Ok(Category {
        code: row.code,
        parent_code: row.parent_code,
        name: row.name,
        default_unit_code: row.default_unit_code,
        deadlines,
    })
}

fn to_entry(row: catalogue::Model) -> Result<Entry, CoreError> {
    let day = |column: &'static str, text: &str| match text {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| unexpected(column)),
    };
    Ok(Entry {
        assisting_unit_codes: from_json(
            "catalogue.assisting_unit_codes",
            &row.assisting_unit_codes,
        )?,
        valid_from: day("catalogue.valid_from", &row.valid_from)?,
        valid_until: day("catalogue.valid_until", &row.valid_until)?,
        category_code: row.category_code,
        area_code: row.area_code,
        lead_unit_code: row.lead_unit_code,
        source: row.source,
    })
}

fn to_holiday(row: holiday::Model) -> Result<Holiday, CoreError> {
    let kind = match row.kind.as_str() {
        "holiday" => DayKind::Holiday,
        "workday" => DayKind::Workday,
        _ => return Err(unexpected("holiday.kind")),
    };
    let date = row.date.parse().map_err(|_| unexpected("holiday.date"))?;
    Ok(Holiday {
        date,
        kind,
        name: row.name,
    })
}

fn to_policy(row: policy_profile::Model) -> Result<Policy, CoreError> {
    let count_start = match row.count_start.as_str() {
        "next_day" => CountStart::NextDay,
        "same_day" => CountStart::SameDay,
        _ => return Err(unexpected("policy_profile.count_start")),
    };
    let optional = |column: &'static str, number: Option<i32>| {
        number.map(|number| count(column, number)).transpose()
    };
    Ok(Policy {
        valid_from: row
            .valid_from
            .parse()
            .map_err(|_| unexpected("policy_profile.valid_from"))?,
        counting: word("policy_profile.counting", &row.counting)?,
        count_start,
        days: from_json("policy_profile.kind_days", &row.kind_days)?,
        sign_workdays: optional("policy_profile.sign_workdays", row.sign_workdays)?,
        return_workdays: count("policy_profile.return_workdays", row.return_workdays)?,
        urgent_hours: optional("policy_profile.urgent_hours", row.urgent_hours)?,
        profile: row.profile,
    })
}
