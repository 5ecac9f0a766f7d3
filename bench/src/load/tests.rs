use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::*;

/// A server that answers every request with its body and, for every hundredth, closes the
/// connection afterwards. It counts its connections.
fn echo() -> (Target, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = Target::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            count.fetch_add(1, Ordering::SeqCst);
            thread::spawn(move || serve(stream.unwrap()));
        }
    });
    (target, connections)
}

fn serve(stream: TcpStream) -> Option<()> {
    let mut out = stream.try_clone().ok()?;
    let mut reader = BufReader::new(stream);
    for number in 1.. {
        let mut length = 0;
        let mut first = String::new();
        reader.read_line(&mut first).ok().filter(|&read| read > 0)?;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(text) = line.strip_prefix("content-length:") {
                length = text.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let close = if number == 100 {
            "connection: close\r\n"
        } else {
            ""
        };
        let status = if first.starts_with("POST") {
            "200 OK"
        } else {
            "404 No"
        };
        let head = format!("HTTP/1.1 {status}\r\n{close}content-length: {length}\r\n\r\n");
        out.write_all(head.as_bytes()).ok()?;
        out.write_all(&body).ok()?;
        if number == 100 {
            return None;
        }
    }
    None
}

#[test]
fn every_request_is_answered_once_over_a_few_connections() {
    let (target, connections) = echo();
    let mut number = 0u32;
    let next = || {
        number += 1;
        Ok((number <= 90).then(|| Ask::Post("/", Bytes::from(format!("body {number}")))))
    };
    let bodies = RefCell::new(Vec::new());
    let tally = run(&target, 3, next, |status, body| {
        bodies
            .borrow_mut()
            .push(String::from_utf8(body.to_vec()).unwrap());
        if status == 200 {
            Ok(())
        } else {
            Err(status.to_string())
        }
    })
    .unwrap();
    assert_eq!((tally.good, tally.complaints()), (90, None));
    assert_eq!(tally.latencies.len(), 90);
    assert!(tally.rate() > 0.0);
    assert_eq!(connections.load(Ordering::SeqCst), 3);
    let mut bodies = bodies.into_inner();
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 90);
}

#[test]
fn a_closed_connection_is_replaced() {
    let (target, connections) = echo();
    let mut number = 0;
    let next = || {
        number += 1;
        Ok((number <= 250).then(|| Ask::Post("/", Bytes::new())))
    };
    let tally = run(&target, 1, next, |_, _| Ok(())).unwrap();
    assert_eq!((tally.good, tally.complaints()), (250, None));
    assert_eq!(connections.load(Ordering::SeqCst), 3);
}

#[test]
fn an_answer_that_never_comes_is_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = Target::parse(&listener.local_addr().unwrap().to_string()).unwrap();
    // Takes the first request and closes without an answer, then serves.
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 4]).unwrap();
        drop(stream);
        serve(listener.accept().unwrap().0);
    });
    let mut left = 5;
    let next = || {
        left -= 1;
        Ok((left >= 0).then(|| Ask::Post("/", Bytes::new())))
    };
    let tally = run(&target, 1, next, |_, _| Ok(())).unwrap();
    assert_eq!((tally.good, tally.bad.values().sum::<u64>()), (4, 1));
}

#[test]
fn bad_answers_are_told_apart() {
    let (target, _) = echo();
    let mut left = 10;
    let next = || {
        left -= 1;
        Ok((left >= 0).then(|| Ask::Get("/x".to_owned())))
    };
    let tally = run(&target, 2, next, |status, _| {
        Err(format!("status {}", status.as_u16()))
    })
    .unwrap();
    assert_eq!(tally.good, 0);
    assert_eq!(tally.complaints().as_deref(), Some("10 x status 404"));
}

#[test]
fn a_node_that_is_gone_ends_the_load() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = Target::parse(&listener.local_addr().unwrap().to_string()).unwrap();
    drop(listener);
    let error = run(&target, 2, || Ok(Some(Ask::Get("/".to_owned()))), |_, _| Ok(())).unwrap_err();
    assert!(format!("{error:#}").contains("does not answer"), "{error:#}");
}

#[test]
fn urls() {
    assert_eq!(
        Target::parse("http://127.0.0.1:4024/").unwrap().address().port(),
        4024
    );
    assert_eq!(Target::parse("localhost:1").unwrap().address().port(), 1);
    Target::parse("https://example.org").unwrap_err();
}
