//! A program that is compiled with `panic = "abort"`: it holds a container, and panics when its standard input ends. The reliability
//! suite compiles and runs it.

use longshore::ContainerRequest;

fn main() {
    let request = ContainerRequest::new("busybox:1.35").cmd(["sleep", "600"]);
    let container = request.start_blocking().expect("a container");
    println!("told: ready");
    let _ = std::io::stdin().read_line(&mut String::new());
    panic!("{} stays: this program aborts on panics", container.name());
}
