package soap

import (
	"bytes"
	"errors"
	"strings"
)

// AnswerKind is what an answer is.
type AnswerKind uint8

// The kinds of answers.
const (
	// NotRead is what is none of the others, or cannot be told.
	NotRead AnswerKind = iota
	// Succeeded has the ReturnCode 1.
	Succeeded
	// Failed has the ReturnCode -1.
	Failed
	// Resulted has a result without a ReturnCode, as the operations answer that do not return an ATWSResponse.
	Resulted
	// Faulted is a fault.
	Faulted
)

// Answer is what the head of an answer says.
type Answer struct {
	Kind AnswerKind
	// Operation is what was answered; empty for a fault.
	Operation Operation
	// Texts are the messages of the errors, or the fault's string: the PSA's words, which may repeat a caller's.
	Texts []string
}

// maxTexts bounds how many messages are told.
const maxTexts = maxRecords

// ReadAnswer reads the head of an answer, which may be cut off anywhere. It is cautious: what is not the PSA's envelope to the letter is
// NotRead, and so is one in which a ReturnCode comes twice, or only after the cut, and a failure whose words have not come. What lies
// within the records of an answer is not looked at, whatever it is called, and whatever characters are in it: people wrote it.
func ReadAnswer(head []byte) Answer {
	r := answerReader{reader: reader{scanner: newScanner(bytes.NewReader(head))}}
	defer r.free()
	r.lax = true
	err := r.read()
	var refused *Refusal
	if err != nil && (!errors.As(err, &refused) || refused.Text != cutText) {
		return Answer{}
	}
	if r.found.Kind == NotRead || err != nil && r.wordless() {
		return Answer{}
	}
	return r.found
}

type answerReader struct {
	reader
	found Answer
	coded bool // a ReturnCode was there
	full  bool // records were there
}

// wordless says of a failure that is cut off that what failed is not known: it may be the sign-in, which brings no records.
func (r *answerReader) wordless() bool {
	return r.found.Kind == Failed && len(r.found.Texts) == 0 && !r.full
}

func (r *answerReader) read() error {
	if err := r.root(); err != nil {
		return err
	}
	headed, bodied := false, false
	for {
		more, err := r.child()
		switch {
		case err != nil:
			return err
		case !more:
			return r.closed(nil, bodied)
		case r.tag.is(nsEnvelope, "Body") && !bodied:
			bodied = true
			err = r.body()
		case r.tag.is(nsEnvelope, "Header") && !headed && !bodied:
			headed = true
			err = r.skip()
		default:
			err = r.refuse("the answer is no envelope of the PSA's")
		}
		if err != nil {
			return err
		}
	}
}

// body reads the Body, whose one element says all.
func (r *answerReader) body() error {
	more, err := r.child()
	if err != nil || !more {
		return orElse(err, r.refuse("the answer's Body is empty"))
	}
	if r.tag.is(nsEnvelope, "Fault") {
		err = r.fault()
	} else {
		err = r.response()
	}
	if err != nil {
		return err
	}
	more, err = r.child()
	if err == nil && more {
		return r.refuse("the answer's Body holds more than one element")
	}
	return err
}

// fault reads a Fault. Its children have no namespace (SOAP 1.1, section 4.4).
func (r *answerReader) fault() error {
	for {
		more, err := r.child()
		if err != nil || !more {
			return err
		}
		if !r.tag.is("", "faultstring") && !r.tag.is(nsEnvelope, "faultstring") {
			err = r.skip()
		} else if err = r.told(); err == nil {
			r.found.Kind = Faulted
		}
		if err != nil {
			return err
		}
	}
}

// told reads a text of the PSA's.
func (r *answerReader) told() error {
	text, err := r.leaf(maxQuery)
	if err == nil && len(r.found.Texts) < maxTexts {
		r.found.Texts = append(r.found.Texts, text)
	}
	return err
}

// response reads an operation's answer: an element named for it, with one that holds the result.
func (r *answerReader) response() error {
	name, _ := strings.CutSuffix(string(r.tag.local), "Response")
	if r.found.Operation = operationNamed(name); r.tag.space != nsATWS || r.found.Operation == "" || name == string(r.tag.local) {
		return r.refuse("the answer is to no operation of the PSA's")
	}
	results := 0
	for {
		more, err := r.child()
		switch {
		case err != nil || !more:
			return err
		case results > 0 || r.tag.space != nsATWS || !r.found.Operation.resulted(string(r.tag.local)):
			return r.refuse("the answer does not hold its operation's one result")
		}
		results++
		if err := r.result(); err != nil {
			return err
		}
	}
}

// resulted says whether an element is the operation's result.
func (o Operation) resulted(element string) bool {
	name, ok := strings.CutSuffix(element, "Result")
	return ok && o.named(name)
}

// returnsCode are the operations whose result is an ATWSResponse, by the WSDL.
var returnsCode = map[Operation]bool{Query: true, Create: true, Update: true, Delete: true, GetThresholdAndUsageInfo: true}

func (r *answerReader) result() error {
	if !returnsCode[r.found.Operation] {
		r.found.Kind = Resulted
		return r.skip()
	}
	for {
		more, err := r.child()
		switch {
		case err != nil || !more:
			return err
		case r.tag.is(nsATWS, "ReturnCode"):
			err = r.code()
		case r.tag.is(nsATWS, "Errors"):
			err = r.messages()
		case r.tag.is(nsATWS, "EntityResults"):
			err = r.records()
		default:
			err = r.skip()
		}
		if err != nil {
			return err
		}
	}
}

// records goes over the records.
func (r *answerReader) records() error {
	for {
		more, err := r.child()
		if err != nil || !more {
			return err
		}
		r.full = true
		if err := r.skip(); err != nil {
			return err
		}
	}
}

func (r *answerReader) code() error {
	text, err := r.leaf(maxName)
	switch {
	case err != nil:
		return err
	case r.coded:
		return r.refuse("the answer has two ReturnCodes")
	case text == "1":
		r.found.Kind = Succeeded
	case text == "-1":
		r.found.Kind = Failed
	}
	r.coded = true
	return nil
}

// messages reads the element Errors.
func (r *answerReader) messages() error {
	for {
		more, err := r.child()
		if err != nil || !more {
			return err
		}
		if !r.tag.is(nsATWS, "ATWSError") {
			err = r.skip()
		} else {
			err = r.message()
		}
		if err != nil {
			return err
		}
	}
}

func (r *answerReader) message() error {
	for {
		more, err := r.child()
		if err != nil || !more {
			return err
		}
		if !r.tag.is(nsATWS, "Message") {
			err = r.skip()
		} else {
			err = r.told()
		}
		if err != nil {
			return err
		}
	}
}
