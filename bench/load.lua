-- What wrk sends: the same call by all callers in turn. Arguments: method, path, file of callers, file of the body or "", SOAP's operation or "".
local threads = 0

function setup(thread)
	thread:set("number", threads)
	threads = threads + 1
end

function init(args)
	local method, path, callers, file, operation = args[1], args[2], args[3], args[4], args[5]
	local body
	if file and file ~= "" then
		local f = assert(io.open(file, "rb"))
		body = f:read("*a")
		f:close()
	end
	requests = {}
	for line in io.lines(callers) do
		local user, secret, basic = line:match("^(%S+) (%S+) (%S+)$")
		local headers = { UserName = user, Secret = secret, ApiIntegrationCode = "BENCH", ["Accept-Encoding"] = "gzip" }
		if operation and operation ~= "" then
			headers = { Authorization = "Basic " .. basic, SOAPAction = '"http://autotask.net/ATWS/v1_6/' .. operation .. '"', ["Content-Type"] = "text/xml; charset=utf-8" }
		elseif body then
			headers["Content-Type"] = "application/json"
		end
		requests[#requests + 1] = wrk.format(method, path, headers, body)
	end
	at = number * math.floor(#requests / 2) -- two threads do not call as the same
end

function request()
	at = at % #requests + 1
	return requests[at]
end

function done(summary, latency)
	local e = summary.errors
	io.write(string.format("bench calls=%d microseconds=%d connect=%d read=%d write=%d status=%d timeout=%d\n",
		summary.requests, summary.duration, e.connect, e.read, e.write, e.status, e.timeout))
end
