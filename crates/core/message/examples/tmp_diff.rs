use alephd_message::*;
fn main() {
    let text = std::fs::read_to_string(std::env::args().nth(1).unwrap()).unwrap();
    let (mut n, mut bad, mut refused) = (0, 0, 0);
    for line in text.lines() {
        let v: serde_json::Value = serde_json::from_str(line).unwrap();
        let t: MessageType = v["t"].as_str().unwrap().parse().unwrap_or(MessageType::Post);
        let got = Content::parse(t, v["text"].as_str().unwrap());
        n += 1;
        if got.is_ok() != v["valid"].as_bool().unwrap() {
            bad += 1;
            if v["valid"].as_bool().unwrap() { refused += 1; }
            if bad < 40 || (v["valid"].as_bool().unwrap() && refused < 5) {
                let s = v["text"].as_str().unwrap();
                println!("{t} expected {} got {:?}\n   {}", v["valid"], got.map(|_| ()).map_err(|e| e.to_string()), &s.chars().take(1500).collect::<String>());
            }
        }
    }
    println!("{n} cases, {bad} differ, {refused} wrongly refused");
}
