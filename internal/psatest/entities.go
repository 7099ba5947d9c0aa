package psatest

import (
	"fmt"
	"slices"
	"time"
)

var tickets = &entity{
	name: "Tickets", single: "Ticket", udfs: true,
	root: rights{create: true, update: true},
	fields: slices.Concat(
		[]field{
			idField(),
			refers("companyID", "Companies").must(),
			words("title", 255).must(),
			pick("status").must(),
			pick("priority").must(),
			words("description", 8000),
			words("resolution", 32000),
			of(datetime, "dueDateTime"),
			pick("queueID"), pick("source"), pick("ticketType"), pick("ticketCategory"),
			pick("issueType"), pickBelow("subIssueType", "issueType"),
			refers("contactID", "Contacts"),
			refers("assignedResourceID", "Resources"),
			of(integer, "assignedResourceRoleID"),
			words("externalID", 50),
			words("purchaseOrderNumber", 50),
			words("rMMAlertID", 50),
			words("ticketNumber", 50).server(),
			refers("problemTicketId", "Tickets"),
			of(integer, "creatorType").server().hush(),
			of(integer, "lastActivityPersonType").server().hush(),
			of(decimal, "estimatedHours"), of(decimal, "hoursToBeScheduled").server(),
		},
		many(integer, "apiVendorID", "billingCodeID", "changeApprovalBoard", "changeApprovalStatus", "changeApprovalType",
			"companyLocationID", "configurationItemID", "contractID", "contractServiceBundleID", "contractServiceID",
			"currentServiceThermometerRating", "monitorID", "monitorTypeID", "opportunityID",
			"organizationalLevelAssociationID", "previousServiceThermometerRating", "projectID", "rmaStatus", "rmaType",
			"serviceLevelAgreementID", "serviceThermometerTemperature"),
		many(text, "changeInfoField1", "changeInfoField2", "changeInfoField3", "changeInfoField4", "changeInfoField5"),
		servers(many(integer, "completedByResourceID", "creatorResourceID", "firstResponseAssignedResourceID",
			"firstResponseInitiatingResourceID", "impersonatorCreatorResourceID", "lastActivityResourceID")),
		servers(many(boolean, "serviceLevelAgreementHasBeenMet")),
		servers(many(datetime, "completedDate", "createDate", "firstResponseDateTime", "firstResponseDueDateTime",
			"lastActivityDate", "lastCustomerNotificationDateTime", "lastCustomerVisibleActivityDateTime",
			"lastTrackedModificationDateTime", "resolutionPlanDateTime", "resolutionPlanDueDateTime",
			"resolvedDateTime", "resolvedDueDateTime")),
	),
	fill: func(t *Tenant, r *record) {
		day := r.vals["createDate"].(time.Time).Format("20060102")
		t.numbers[day]++
		r.vals["ticketNumber"] = fmt.Sprintf("T%s.%04d", day, t.numbers[day])
	},
	rules: ticketRules,
}

var ticketNotes = &entity{
	name: "TicketNotes", single: "TicketNote",
	parent: "tickets", childName: "notes", parentField: "ticketID",
	under: rights{create: true, update: true},
	fields: []field{
		idField(), refers("ticketID", "Tickets").must(),
		words("title", 250), words("description", 32000).must(),
		pick("noteType").must(), pick("publish").must(),
		refers("createdByContactID", "Contacts"),
		of(integer, "creatorResourceID").server(), of(integer, "impersonatorCreatorResourceID").server(),
		of(datetime, "createDateTime").server(), of(datetime, "lastActivityDate").server(),
	},
}

var ticketAttachments = &entity{
	name: "TicketAttachments", single: "TicketAttachment",
	parent: "tickets", childName: "attachments", parentField: "parentID",
	under: rights{create: true, remove: true},
	fields: []field{
		idField(), refers("parentID", "Tickets").must(), of(integer, "ticketID").server(),
		words("title", 255).must(), words("fullPath", 255).must(), words("attachmentType", 50).must(),
		pick("publish").must(), words("contentType", 100), words("data", 0).hush(),
		refers("attachedByContactID", "Contacts"),
		of(integer, "creatorResourceID").server(), of(integer, "impersonatorCreatorResourceID").server(),
		of(integer, "creatorType").server().hush(), of(integer, "fileSize").server().hush(),
		of(datetime, "attachDate").server(),
	},
	fill:  fillAttachment,
	rules: attachmentRules,
}

var companies = &entity{
	name: "Companies", single: "Company", udfs: true,
	root: rights{create: true, update: true},
	fields: []field{
		idField(), words("companyName", 100).must(), words("phone", 25).must(), pick("companyType").must(),
		refers("ownerResourceID", "Resources").must(),
		of(boolean, "isActive"), words("companyNumber", 50), words("address1", 128), words("city", 50), words("postalCode", 20),
		words("webAddress", 255), refers("parentCompanyID", "Companies"),
		of(datetime, "createDate").server(), of(datetime, "lastActivityDate").server(),
	},
}

var contacts = &entity{
	name: "Contacts", single: "Contact", udfs: true,
	parent: "companies", childName: "contacts", parentField: "companyID",
	under: rights{create: true, update: true},
	fields: []field{
		idField(), refers("companyID", "Companies").must(), words("firstName", 50).must(), words("lastName", 50).must(),
		of(integer, "isActive").must(), words("title", 50), words("phone", 25), words("mobilePhone", 25),
		words("emailAddress", 254), words("emailAddress2", 254), words("emailAddress3", 254),
		of(datetime, "createDate").server(), of(datetime, "lastActivityDate").server(),
	},
}

var contactGroups = &entity{
	name: "ContactGroups", single: "ContactGroup",
	root:   rights{create: true, update: true, remove: true},
	fields: []field{idField(), words("name", 50).must(), of(boolean, "isActive")},
}

var resources = &entity{
	name: "Resources", single: "Resource",
	fields: []field{
		idField(), words("firstName", 50), words("lastName", 50), words("email", 254), words("userName", 254),
		of(boolean, "isActive"), pick("licenseType"),
	},
}
