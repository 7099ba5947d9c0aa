package vaulttest

// trouble is what happens to requests instead of being passed on.
type trouble struct {
	paths  []string      // empty: all
	status int           // the answer; 0: none before over
	over   chan struct{} // closed by Pass
}

// Fail has requests answered with a status instead of being passed on: all, or those for the paths, which are as in
// [Counter.Count]. It lasts until [Counter.Pass], and takes the place of trouble that was ordered before.
func (c *Counter) Fail(status int, paths ...string) { c.order(&trouble{paths: paths, status: status}) }

// Stall has requests wait, as [Counter.Fail] chooses them, and passes them on at [Counter.Pass].
func (c *Counter) Stall(paths ...string) { c.order(&trouble{paths: paths}) }

// Pass ends the trouble.
func (c *Counter) Pass() { c.order(nil) }

// order replaces the trouble and lets those go on that wait in the old one.
func (c *Counter) order(next *trouble) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.trouble != nil {
		close(c.trouble.over)
	}
	if next != nil {
		next.over = make(chan struct{})
	}
	c.trouble = next
}
