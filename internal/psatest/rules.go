package psatest

import (
	"encoding/base64"
	"fmt"
)

// ticketRules are what the fields alone do not say. The role rule is the live service's text.
func ticketRules(t *Tenant, r *record) []string {
	var errs []string
	if r.vals["dueDateTime"] == nil && r.vals["queueID"] == nil {
		// Which of the two depends on the ticket category; either alone has been seen to do.
		errs = append(errs, missing("dueDateTime"))
	}
	if (r.vals["assignedResourceID"] == nil) != (r.vals["assignedResourceRoleID"] == nil) {
		errs = append(errs, "When assigning a Resource, you must assign both a assignedResourceID and assignedResourceRoleID.")
	}
	if id, ok := r.vals["contactID"].(int64); ok {
		if contact := t.table(contacts).rows[id]; contact != nil && contact.vals["companyID"] != r.vals["companyID"] {
			errs = append(errs, "The contactID does not belong to the companyID.")
		}
	}
	return errs
}

// maxAttachment is the size of a file, decoded, in bytes; Autotask's limit lies between 6 and 7 MB.
const maxAttachment = 7_000_000

func attachmentRules(_ *Tenant, r *record) []string {
	if r.vals["attachmentType"] != "FILE_ATTACHMENT" {
		return nil
	}
	encoded, _ := r.vals["data"].(string)
	data, err := base64.StdEncoding.DecodeString(encoded)
	switch {
	case err != nil || len(data) == 0:
		return []string{"The data of a FILE_ATTACHMENT must be base64."}
	case len(data) > maxAttachment:
		return []string{fmt.Sprintf("The attachment exceeds the maximum size of %d bytes.", maxAttachment)}
	}
	return nil
}

func fileSize(r *record) (int64, error) {
	encoded, _ := r.vals["data"].(string)
	data, err := base64.StdEncoding.DecodeString(encoded)
	return int64(len(data)), err
}

func fillAttachment(_ *Tenant, r *record) {
	if size, err := fileSize(r); err == nil { // else the rules refuse it
		r.vals["fileSize"] = size
	}
	r.vals["ticketID"] = r.vals["parentID"]
}

func missing(name string) string { return "Missing Required Field: " + name }
