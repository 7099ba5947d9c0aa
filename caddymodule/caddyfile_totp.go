package caddymodule

// readTOTP reads where a login's one-time codes come from. Syntax:
//
//	totp secret <store> <path> [<field>]
//	totp engine <store> <key>
//
// No error shows an argument: it may be the seed.
func (l *Login) readTOTP(w *word) error {
	args := w.d.RemainingArgs()
	how := ""
	if len(args) > 0 {
		how = args[0]
	}
	switch {
	case how == "secret" && (len(args) == 3 || len(args) == 4):
		l.TOTP = &TOTP{Store: args[1], Path: args[2]}
		if len(args) == 4 {
			l.TOTP.Field = args[3]
		}
		return nil
	case how == "secret":
		return w.errorf("totp secret takes <store> <path> [<field>], and has %d arguments", len(args)-1)
	case how == "engine" && len(args) == 3:
		l.TOTP = &TOTP{Store: args[1], Path: args[2], Engine: true}
		return nil
	case how == "engine":
		return w.errorf("totp engine takes <store> <key>, such as totp/autotask, and has %d arguments", len(args)-1)
	}
	return w.errorf("%s", unknownWord("", "totp, where it is said what the codes come from", []string{"engine", "secret"}))
}
