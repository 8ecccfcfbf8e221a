//! One letter, two matters: two tickets, two replies.

use std::collections::HashSet;

use hotline_tests::city::City;

#[tokio::test(flavor = "multi_thread")]
async fn two_matters_of_one_letter_live_apart() {
    for city in City::all().await {
        let said = city
            .citizen("张")
            .on("mail")
            .asks_for(&["路灯不亮", "夜间施工噪声"])
            .await;
        let matters = city.operator().accepts(&said).await;
        let leads: Vec<_> = [
            city.ticket(&matters[0].ticket_id).await.lead_unit_code,
            city.ticket(&matters[1].ticket_id).await.lead_unit_code,
        ]
        .into();
        assert_eq!(leads, ["CGJ", "ZJJ"], "{}", city.label);

        city.unit("CGJ")
            .settles_matter(&matters[0].ticket_id, "路灯已修好")
            .await;
        assert_eq!(
            city.replies_to(&said).await.len(),
            1,
            "{}: the other one goes on",
            city.label
        );
        city.unit("ZJJ")
            .settles_matter(&matters[1].ticket_id, "已责令停工")
            .await;
        let texts: Vec<_> = city
            .outbound("mail")
            .iter()
            .map(|line| line["text"].to_string())
            .collect();
        assert_eq!(
            texts,
            ["\"路灯已修好\"", "\"已责令停工\""],
            "{}",
            city.label
        );
        city.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_matter_found_later_is_split_off() {
    for city in City::all().await {
        let said = city
            .citizen("张")
            .on("mail")
            .writes("路灯不亮,而且楼下天天占道经营")
            .await;
        let first = city.operator().accepts(&said).await;
        let matters = city.operator().splits(&said, "楼下占道经营").await;
        assert_eq!((first.len(), matters.len()), (1, 2), "{}", city.label);
        let numbers: HashSet<_> = matters.iter().map(|matter| &matter.number).collect();
        let tickets: HashSet<_> = matters.iter().map(|matter| &matter.ticket_id).collect();
        assert_eq!((numbers.len(), tickets.len()), (2, 2), "{}", city.label);

        let split = matters
            .iter()
            .find(|matter| matter.id != first[0].id)
            .expect("one is new");
        city.dispatcher().dispatches(&split.ticket_id, "CGJ").await;
        city.unit("CGJ")
            .settles_matter(&split.ticket_id, "已劝离摊贩")
            .await;
        let replies = city.replies_to(&said).await;
        let told: Vec<_> = replies
            .iter()
            .map(|reply| (&reply.matter_id, &*reply.text))
            .collect();
        assert_eq!(told, [(&split.id, "已劝离摊贩")], "{}", city.label);
        city.ends().await;
    }
}
