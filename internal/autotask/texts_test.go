package autotask

import (
	"testing"

	"github.com/psagate/psagate/internal/guard"
)

func TestNoCallerCanWordATextIntoAVerdict(t *testing.T) {
	for _, text := range []string{
		`Data violation: Value 'My account is locked out again' is too long for field title.`,
		`Value "customer login unknown" is not in the picklist.`,
		`Value 'x' account is locked out 'y' is too long.`,
		`Value “the password is wrong” is too long.`,
		`The entity Your_account_has_been_locked does not exist.`,
		`The entity Password does not exist.`,
		`No entity your_login_is_unknown was found: your_account_has_been_locked`,
		`Missing Required Field: UserName`,
		`Server was unable to read request. ---> There is an error in XML document (1, 9). ---> your account has been locked`,
	} {
		if v, _ := judgeTexts([]string{text}); v != guard.Neutral {
			t.Errorf("%s: %v", text, v)
		}
	}
	for text, want := range map[string]guard.Verdict{
		`The user's account has been locked. Please see your administrator.`: guard.Locked,
		`The login 'api@example.com' is not valid.`:                          guard.Refused,
		`User "api@example.com" could not be authenticated.`:                 guard.Refused,
		`It's wrong: the password is incorrect.`:                             guard.Refused,
	} {
		if v, _ := judgeTexts([]string{text}); v != want {
			t.Errorf("%s: %v, want %v", text, v, want)
		}
	}
}
