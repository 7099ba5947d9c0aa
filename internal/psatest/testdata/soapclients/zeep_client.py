# A client of the SOAP API as zeep's documentation has it: the WSDL, Basic by the transport's session, and the header
# AutotaskIntegrations with every call. See README.md for what it is told and what it tells.
import json
import os
import sys

import requests
import requests.auth
import zeep
import zeep.exceptions
import zeep.helpers
import zeep.transports

USER, SECRET, CODE = (os.environ[name] for name in ("PSA_USER", "PSA_SECRET", "PSA_CODE"))


class Steps:
    def __init__(self):
        self.client = None

    def connect(self, wsdl, basic):
        session = requests.Session()
        if basic:
            session.auth = requests.auth.HTTPBasicAuth(USER, SECRET)
        return zeep.Client(wsdl, transport=zeep.transports.Transport(session=session))

    def headers(self):
        integrations = self.client.get_element("ns0:AutotaskIntegrations")
        return {"_soapheaders": [integrations(IntegrationCode=CODE)]}

    def zone(self, wsdl):
        info = self.connect(wsdl, basic=False).service.getZoneInfo(USER)
        return {"url": info.URL, "errorCode": info.ErrorCode, "webUrl": info.WebUrl}

    def open(self, wsdl):
        self.client = self.connect(wsdl, basic=True)
        return {"operations": sorted(self.client.service._binding._operations)}

    def threshold(self):
        return answer(self.client.service.getThresholdAndUsageInfo(**self.headers()))

    def query(self, xml):
        return answer(self.client.service.query(xml, **self.headers()))

    def entity(self, kind, fields):
        return self.client.get_type("ns0:" + kind)(**fields)

    def write(self, operation, kind, rows):
        array = self.client.get_type("ns0:ArrayOfEntity")
        entities = array(Entity=[self.entity(kind, dict({"id": 0}, **fields)) for fields in rows])
        return answer(self.client.service[operation](Entities=entities, **self.headers()))

    def create(self, kind, *rows):
        return self.write("create", kind, rows)

    def update(self, kind, *rows):
        return self.write("update", kind, rows)

    def delete(self, kind, *rows):
        return self.write("delete", kind, rows)

    def entities(self):
        return {"names": [e.Name for e in self.client.service.getEntityInfo(**self.headers())]}

    def fields(self, kind):
        return {"names": [f.Name for f in self.client.service.GetFieldInfo(kind, **self.headers())]}

    def attach(self, ticket, title, text):
        info = self.entity("AttachmentInfo", {
            "id": 0, "ParentID": ticket, "ParentType": 4, "Type": "FILE_ATTACHMENT", "Title": title, "FullPath": title, "Publish": 1})
        attachment = self.client.get_type("ns0:Attachment")(Data=text.encode(), Info=info)
        return {"id": self.client.service.CreateAttachment(attachment, **self.headers())}

    def attachment(self, number):
        got = self.client.service.GetAttachment(number, **self.headers())
        return {"title": got.Info.Title, "text": got.Data.decode()}

    def detach(self, number):
        return {"said": self.client.service.DeleteAttachment(number, **self.headers()) or ""}

    def version(self):
        return {"version": self.client.service.GetWsdlVersion(**self.headers())}


def answer(response):
    return {
        "returnCode": response.ReturnCode,
        "errors": [e.Message for e in (response.Errors and response.Errors.ATWSError) or []],
        "entities": [row(e) for e in (response.EntityResults and response.EntityResults.Entity) or []],
        "infos": [
            {"id": i.EntityId, "action": i.DatabaseAction, "message": i.Message or ""}
            for i in (response.EntityReturnInfoResults and response.EntityReturnInfoResults.EntityReturnInfo) or []
        ],
    }


def row(entity):
    fields = zeep.helpers.serialize_object(entity, dict)
    return {k: str(v) if hasattr(v, "isoformat") else v for k, v in fields.items() if v is not None and not isinstance(v, dict)}


def main():
    steps = Steps()
    for line in sys.stdin:
        step, *arguments = json.loads(line)
        try:
            told = {"ok": getattr(steps, step)(*arguments)}
        except zeep.exceptions.TransportError as e:
            told = {"error": e.message, "kind": type(e).__name__, "status": e.status_code}
        except zeep.exceptions.Fault as e:
            told = {"error": e.message, "kind": type(e).__name__, "code": e.code}
        except Exception as e:
            told = {"error": str(e), "kind": type(e).__name__}
        print(json.dumps(told, default=str), flush=True)


main()
