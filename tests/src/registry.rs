//! A small invented city: three units, three categories, one area, four channels.
//!
//! 路灯 and 噪声 have one lead unit each, so they are dispatched by themselves; 占道 is nobody's by
//! the catalogue, so a dispatcher decides.

/// A table: the service that owns it, its name, its rows.
pub type Table = (Owner, &'static str, &'static str);

/// Who owns a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Channels and lines.
    Intake,
    /// The others.
    Routing,
}

/// Every table, in the order they are loaded.
pub const TABLES: [Table; 8] = [
    (Owner::Intake, "channels", CHANNELS),
    (Owner::Intake, "lines", LINES),
    (Owner::Routing, "units", UNITS),
    (Owner::Routing, "areas", AREAS),
    (Owner::Routing, "categories", CATEGORIES),
    (Owner::Routing, "catalogue", CATALOGUE),
    (Owner::Routing, "keywords", KEYWORDS),
    (Owner::Routing, "policy_profiles", POLICY_PROFILES),
];

const CHANNELS: &str = "\
code,name,kind,owner_unit_code,public_answer
tel,12345电话,phone,H12345,no
app,手机客户端,app,H12345,no
mail,市长信箱,mailbox,H12345,no
board,网民留言板,message_board,H12345,yes
";

const LINES: &str = "\
number,name,unit_name,unit_code,merge_mode,exempt,note
12319,城管热线,市城管局,CGJ,absorbed,no,
110,公安报警电话,市公安局,GAJ,retained,yes,
";

const UNITS: &str = "\
code,name,parent_code,group,kind
CGJ,市城管局,,市直部门,bureau
ZJJ,市住建局,,市直部门,bureau
GAJ,市公安局,,市直部门,bureau
";

const AREAS: &str = "\
code,name,parent_code,aliases
999901,云溪区,,云溪
";

const CATEGORIES: &str = "\
code,parent_code,name,default_unit_code,deadlines,urgent_hours
01,,城市管理,,,
0101,01,路灯照明,,,
0102,01,施工噪声,,,
0103,01,占道经营,,,
";

const CATALOGUE: &str = "\
category_code,area_code,lead_unit_code,assisting_unit_codes,source,valid_from,valid_until
0101,,CGJ,,派单目录第1项,2025-01-01,
0102,,ZJJ,,派单目录第2项,2025-01-01,
";

const KEYWORDS: &str = "\
keyword,category_code,weight
路灯,0101,5
噪声,0102,5
占道,0103,5
";

const POLICY_PROFILES: &str = "\
profile,scope,valid_from,counts,count_start,dispatch_hours,sign_workdays,consult,help,suggest,complaint,report,praise,other,urgent_hours,return_workdays,note
sichuan-2025,四川省,2025-01-01,workdays,next_day,24,1,3,7,7,15,15,7,7,2,1,
";

/// The published calendar of 2026, as far as journeys go: the National Day week.
pub const HOLIDAYS_2026: &str = "\
date,kind,name
2026-09-20,workday,国庆节
2026-10-01,holiday,国庆节
2026-10-02,holiday,国庆节
2026-10-05,holiday,国庆节
2026-10-06,holiday,国庆节
2026-10-07,holiday,国庆节
2026-10-10,workday,国庆节
";

/// A year that nobody has published yet, as a test invents it: its first Monday is a holiday.
pub const HOLIDAYS_2027: &str = "\
date,kind,name
2027-01-01,holiday,元旦
2027-01-04,holiday,元旦
";
