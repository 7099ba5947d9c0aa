// Package refused remembers which secrets mail servers have refused, so that none is sent a second time: who goes on sending a wrong
// password locks the mailbox, and a supervisor that starts a process again and again, or one of several replicas, would.
//
//	err := memory.May(ctx, place, secret)                    // before there is a connection
//	attempt, err := memory.Begin(ctx, place, secret, false)  // right before it is sent
//	attempt.End(refused.Accepted, "")                          // once there is an answer, or surely none
//
// That a secret is about to be sent is kept before it is sent: a process that ends before it has the answer leaves that, and whoever
// comes next takes the secret for one that may have been refused. What is kept of a secret is what Books.Prints makes of it, never the
// secret. Where nothing can be read or kept, nothing is sent.
package refused
