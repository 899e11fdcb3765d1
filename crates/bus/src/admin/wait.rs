use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::thread::{self, Thread};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Blocks until a future is done that another thread completes, as the admin client's own does.
pub(super) fn wait<F: Future>(future: F) -> F::Output {
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        thread::park();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::task::Waker;
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_waits_until_another_thread_is_done() {
        let (wakers, woken) = mpsc::channel::<Waker>();
        let other = thread::spawn(move || {
            let waker = woken.recv().unwrap();
            thread::sleep(Duration::from_millis(20));
            waker.wake();
        });
        let mut polls = 0;
        let done = wait(std::future::poll_fn(|context| {
            polls += 1;
            if other.is_finished() {
                return Poll::Ready(7);
            }
            // Woken once; looked at again until the other thread is quite gone.
            if wakers.send(context.waker().clone()).is_err() {
                context.waker().wake_by_ref();
            }
            Poll::Pending
        }));
        assert_eq!(done, 7);
        assert!(polls >= 2);
    }
}
