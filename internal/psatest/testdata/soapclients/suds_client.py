# A client of the SOAP API as the documentation of suds has it: Basic by a transport that sends it with every request,
# and the header AutotaskIntegrations by set_options. See README.md for what it is told and what it tells.
import base64
import json
import logging
import os
import sys

import suds
import suds.client
import suds.transport
import suds.transport.http

USER, SECRET, CODE = (os.environ[name] for name in ("PSA_USER", "PSA_SECRET", "PSA_CODE"))


class Steps:
    def __init__(self):
        self.client = None

    def zone(self, wsdl):
        info = suds.client.Client(wsdl, cache=None).service.getZoneInfo(USER)
        return {"url": getattr(info, "URL", None), "errorCode": info.ErrorCode, "webUrl": getattr(info, "WebUrl", None)}

    def open(self, wsdl):
        transport = suds.transport.http.HttpAuthenticated(username=USER, password=SECRET)
        self.client = suds.client.Client(wsdl, transport=transport, cache=None)
        integrations = self.client.factory.create("AutotaskIntegrations")
        integrations.IntegrationCode = CODE
        self.client.set_options(soapheaders=integrations)
        return {"operations": sorted(m for m in self.client.wsdl.services[0].ports[0].methods)}

    def threshold(self):
        return answer(self.client.service.getThresholdAndUsageInfo())

    def query(self, xml):
        return answer(self.client.service.query(xml))

    def entity(self, kind, fields):
        made = self.client.factory.create(kind)
        made.id = 0
        for name, value in fields.items():
            setattr(made, name, value)
        return made

    def write(self, operation, kind, rows):
        entities = self.client.factory.create("ArrayOfEntity")
        entities.Entity = [self.entity(kind, fields) for fields in rows]
        return answer(getattr(self.client.service, operation)(entities))

    def create(self, kind, *rows):
        return self.write("create", kind, rows)

    def update(self, kind, *rows):
        return self.write("update", kind, rows)

    def delete(self, kind, *rows):
        return self.write("delete", kind, rows)

    def entities(self):
        return {"names": [str(e.Name) for e in self.client.service.getEntityInfo().EntityInfo]}

    def fields(self, kind):
        return {"names": [str(f.Name) for f in self.client.service.GetFieldInfo(kind).Field]}

    def attach(self, ticket, title, text):
        attachment = self.client.factory.create("Attachment")
        attachment.Data = base64.b64encode(text.encode()).decode()
        attachment.Info = self.entity("AttachmentInfo", {
            "ParentID": ticket, "ParentType": 4, "Type": "FILE_ATTACHMENT", "Title": title, "FullPath": title, "Publish": 1})
        return {"id": self.client.service.CreateAttachment(attachment)}

    def attachment(self, number):
        got = self.client.service.GetAttachment(number)
        return {"title": str(got.Info.Title), "text": base64.b64decode(got.Data).decode()}

    def detach(self, number):
        return {"said": str(self.client.service.DeleteAttachment(number) or "")}

    def version(self):
        return {"version": str(self.client.service.GetWsdlVersion())}


def many(holder, name):
    return getattr(holder, name, None) or [] if holder else []


def answer(response):
    return {
        "returnCode": response.ReturnCode,
        "errors": [str(e.Message) for e in many(getattr(response, "Errors", None), "ATWSError")],
        "entities": [row(e) for e in many(getattr(response, "EntityResults", None), "Entity")],
        "infos": [
            {"id": i.EntityId, "action": str(i.DatabaseAction), "message": str(getattr(i, "Message", "") or "")}
            for i in many(getattr(response, "EntityReturnInfoResults", None), "EntityReturnInfo")
        ],
    }


def row(entity):
    plain = {}
    for name, value in suds.sudsobject.asdict(entity).items():
        if isinstance(value, (int, float, bool)):
            plain[name] = value
        elif value is not None and not isinstance(value, (list, suds.sudsobject.Object)):
            plain[name] = str(value)
    return plain


def main():
    logging.disable(logging.CRITICAL)  # it logs faults besides raising them
    steps = Steps()
    for line in sys.stdin:
        step, *arguments = json.loads(line)
        try:
            told = {"ok": getattr(steps, step)(*arguments)}
        except suds.WebFault as e:
            told = {"error": str(e.fault.faultstring), "kind": "WebFault", "code": str(e.fault.faultcode)}
        except suds.transport.TransportError as e:
            told = {"error": str(e), "kind": "TransportError", "status": e.httpcode}
        except Exception as e:
            # It raises a pair of status and text for what is neither an answer nor a fault.
            told = {"error": str(e), "kind": type(e).__name__}
            if e.args and isinstance(e.args[0], tuple):
                told["status"] = int(e.args[0][0])
        print(json.dumps(told, default=str), flush=True)


main()
