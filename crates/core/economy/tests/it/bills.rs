//! Bills that were made without this crate, see `tests/vectors/README.md`.

use std::collections::HashMap;

use alephd_economy::{
    cost::{CostFile, Costs, Demand, costs},
    estimate::estimate_demand,
    pricing::Pricing,
};
use alephd_message::{Content, ItemHash};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Lists {
    lists: Vec<String>,
}

#[derive(Deserialize)]
struct Vector {
    #[serde(rename = "type")]
    message_type: alephd_message::MessageType,
    name: ItemHash,
    content: String,
    estimate: bool,
    pricing: Option<usize>,
    files: Vec<(ItemHash, Option<bool>, u64)>,
    lines: Vec<Value>,
    total: String,
}

impl Vector {
    fn demand(&self) -> Demand {
        if self.estimate {
            return estimate_demand(self.message_type, &self.content, Some(&self.name)).unwrap();
        }
        let content = Content::parse(self.message_type, &self.content).unwrap();
        Demand::of(&content, &self.content, &self.name).unwrap().unwrap()
    }

    fn files(&self) -> HashMap<CostFile, u64> {
        let file = |(name, latest, bytes): &(ItemHash, Option<bool>, u64)| {
            let name = name.clone();
            let file = match *latest {
                None => CostFile::Named(name),
                Some(latest) => CostFile::Stored { store: name, latest },
            };
            (file, *bytes)
        };
        self.files.iter().map(file).collect()
    }
}

fn lines(costs: &Costs) -> Vec<Value> {
    let line = |line: &alephd_economy::cost::CostLine| {
        json!([
            line.kind.as_str(),
            line.name,
            line.reference,
            line.size.map(|size| size.to_f64()),
            line.hold,
            line.stream,
            line.credit,
        ])
    };
    costs.lines.iter().map(line).collect()
}

#[test]
fn bills_are_those_of_the_vectors() {
    let mut vectors = include_str!("../vectors/costs.jsonl").lines();
    let lists: Lists = serde_json::from_str(vectors.next().unwrap()).unwrap();
    let mut count = 0;
    for (index, vector) in vectors.enumerate() {
        let vector: Vector = serde_json::from_str(vector).unwrap();
        let pricing = vector.pricing.map(|list| lists.lists[list].as_str());
        let pricing = Pricing::read(pricing, None);
        let (demand, files) = (vector.demand(), vector.files());
        let costs = costs(&demand, &pricing, &|file| files.get(file).copied()).unwrap();
        assert_eq!(lines(&costs), vector.lines, "vector {index}");
        assert_eq!(costs.total.to_string(), vector.total, "vector {index}");
        // Whatever is known was asked for.
        let needed = demand.files();
        assert!(files.keys().all(|file| needed.contains(file)), "vector {index}");
        count += 1;
    }
    assert!(count >= 400, "{count} vectors");
}

/// Every valid content of the vectors of the repository can be billed.
#[test]
fn real_messages_are_billed() {
    let pricing = Pricing::defaults();
    let mut billed = 0;
    for file in [
        "real-messages.jsonl",
        "synthetic.jsonl",
        "derived-mutations.jsonl",
    ] {
        let path = format!("{}/../../../vectors/{file}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        for vector in text.lines() {
            let vector: Value = serde_json::from_str(vector).unwrap();
            let message = &vector["message"];
            let Some(text) = message["item_content"].as_str() else {
                continue;
            };
            let Ok(message_type) = serde_json::from_value(message["type"].clone()) else {
                continue;
            };
            let Ok(content) = Content::parse(message_type, text) else {
                continue;
            };
            let demand = Demand::of(&content, text, &ItemHash::Sha256([0; 32])).unwrap();
            assert_eq!(demand.is_some(), content.payment_type().is_some());
            if let Some(demand) = demand {
                let costs = costs(&demand, &pricing, &|_| Some(1 << 20)).unwrap();
                assert!(!costs.total.is_negative());
                billed += 1;
            }
        }
    }
    assert!(billed >= 30, "{billed} messages");
}
