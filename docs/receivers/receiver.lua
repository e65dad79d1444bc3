-- Receives webhooks as a CGI program of any web server, with luaossl and LuaSocket.
local hmac = require "openssl.hmac"
local mime = require "mime"
local random = require "openssl.rand"

local function sign(key, text)
    return hmac.new(key, "sha256"):final(text)
end

-- In constant time: what is compared is not what the sender chose.
local function equal(one, other)
    local key = random.bytes(32)
    return sign(key, one) == sign(key, other)
end

local function is_signed(secret, id, time, signatures, body)
    if id == "" or not time:find("^%d+$") or #time > 12 or math.abs(os.time() - time) > 300 then
        return false
    end
    local key = mime.unb64((secret:gsub("^whsec_", "")))
    local expected = "v1," .. mime.b64(sign(key, id .. "." .. time .. "." .. body))
    local matches = false
    for given in signatures:gmatch("[^ ]+") do
        matches = equal(given, expected) or matches
    end
    return matches
end

local function header(name)
    return os.getenv("HTTP_" .. name) or ""
end

local body = io.read(tonumber(os.getenv("CONTENT_LENGTH")) or 0) or ""
local valid
if os.getenv("PATH_INFO") == "/signed" then
    valid = is_signed(os.getenv("WEBHOOK_SECRET"), header("WEBHOOK_ID"), header("WEBHOOK_TIMESTAMP"),
                      header("WEBHOOK_SIGNATURE"), body)
else
    local password = header("VERIFICATION_SIGNATURE")
    valid = password ~= "" and equal(password, os.getenv("VERIFICATION_SIGNATURE") or "")
end
-- Store the event here, then answer; act on it later.
io.write("Status: ", valid and "204 No Content" or "401 Unauthorized", "\r\n\r\n")
