package psatest

var companyNotes = &entity{
	name: "CompanyNotes", single: "CompanyNote",
	parent: "companies", childName: "notes", parentField: "companyID",
	under: rights{create: true, update: true},
	fields: []field{
		idField(), refers("companyID", "Companies").must(), pick("actionType").must(),
		refers("assignedResourceID", "Resources").must(),
		of(datetime, "startDateTime").must(), of(datetime, "endDateTime").must(), of(datetime, "completedDateTime"),
		refers("contactID", "Contacts"), of(integer, "opportunityID"),
		words("name", 128), words("note", 32000),
		of(datetime, "createDateTime").server(),
	},
}

var configurationItems = &entity{
	name: "ConfigurationItems", single: "ConfigurationItem", udfs: true,
	root: rights{create: true, update: true},
	fields: []field{
		idField(), refers("companyID", "Companies").must(), of(integer, "productID").must(),
		of(boolean, "isActive"), refers("contactID", "Contacts"), of(integer, "contractID"),
		words("referenceTitle", 200), words("referenceNumber", 100), words("serialNumber", 100), words("notes", 5000),
		of(datetime, "installDate"), of(datetime, "warrantyExpirationDate"), of(datetime, "createDate").server(),
	},
}

var timeEntries = &entity{
	name: "TimeEntries", single: "TimeEntry",
	root: rights{create: true, update: true, remove: true},
	fields: []field{
		idField(), refers("ticketID", "Tickets"), refers("resourceID", "Resources").must(), of(integer, "roleID"),
		of(datetime, "dateWorked"), of(datetime, "startDateTime"), of(datetime, "endDateTime"),
		of(decimal, "hoursWorked"), of(decimal, "hoursToBill"), of(decimal, "offsetHours"),
		words("summaryNotes", 32000), words("internalNotes", 32000),
		of(integer, "billingCodeID"), of(integer, "contractID"), of(boolean, "showOnInvoice"), of(boolean, "isNonBillable"),
		of(datetime, "createDateTime").server(),
	},
}
