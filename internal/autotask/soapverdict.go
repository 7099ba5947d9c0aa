package autotask

import (
	"net/http"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/soap"
)

// calls says whether an operation is a SOAP call that signs in.
func calls(op Operation) bool {
	return op.API == SOAP && op.Form == FormASMX && op.Method == http.MethodPost && !op.Free
}

// classifySOAP reads the verdict off an answer to a SOAP call, and whether it tells of an error, whatever its status: its words may repeat
// what was sent, as those of other errors.
//
//   - 401: as with REST.
//   - 2xx as text/xml, the PSA's envelope with ReturnCode 1 and no errors: accepted. The five operations that answer so all sign in.
//   - 2xx with ReturnCode -1: the texts decide; unknown ones are neutral, for business rules speak so.
//   - 2xx with another operation's result: neutral. It is not known what a refused sign-in would look like there.
//   - 5xx with a fault: the texts decide; unknown ones are neutral where the status is 500, which is what SOAP 1.1 wants of a fault.
//   - 3xx and other 4xx: as with REST. A caller can bring them about, with an attachment that IIS takes for too large, and must not be
//     able to shut the gate so; a sign-in that failed is a 401.
//   - lockout texts count on any of these, and on 401 and 403, as does a fault that says of the sign-in that it failed: what is said so is
//     said, whatever the status.
//   - all else: no answer.
func classifySOAP(op Operation, a Answer) (v guard.Verdict, complains bool) {
	said := soapAnswer(op, a)
	return judgeSOAP(op, a, said), said.Kind == soap.Failed || said.Kind == soap.Faulted
}

func judgeSOAP(op Operation, a Answer, said soap.Answer) guard.Verdict {
	worst, known := judgeTexts(said.Texts)
	ok := a.Status >= 200 && a.Status < 300
	switch {
	case worst == guard.Locked:
		return guard.Locked
	case said.Kind == soap.Faulted && worst == guard.Refused:
		return guard.Refused
	case a.Status == http.StatusUnauthorized:
		return unauthorized(a.Header)
	case ok && said.Kind == soap.Succeeded && len(said.Texts) == 0 && mediaType(a.Header) == "text/xml":
		return guard.Accepted
	case ok && (said.Kind == soap.Succeeded || said.Kind == soap.Failed || said.Kind == soap.Resulted):
		return worst
	case a.Status >= 500 && said.Kind == soap.Faulted && (known || a.Status == http.StatusInternalServerError):
		return worst
	case a.Status >= 300 && a.Status < 500:
		return byStatus(op, a)
	}
	return guard.NoAnswer
}

// soapAnswer reads the body, where it is of use. One that answers another operation than was called is no answer to the call.
func soapAnswer(op Operation, a Answer) soap.Answer {
	if !calls(op) || !NeedsBody(op, a.Status, a.Header) {
		return soap.Answer{}
	}
	said := soap.ReadAnswer(a.head())
	if said.Operation != "" && op.Call != "" && said.Operation != op.Call {
		return soap.Answer{}
	}
	return said
}

// answerTexts are what the PSA says in an answer of either interface.
func answerTexts(op Operation, a Answer) []string {
	if op.API == SOAP {
		return soapAnswer(op, a).Texts
	}
	if !NeedsBody(op, a.Status, a.Header) {
		return nil
	}
	texts, _ := errorTexts(a.head())
	return texts
}
