// The link's secret stands behind `#`, so no server's log has it. Put it into the form, out of the address.
"use strict";
const field = document.getElementById("link");
if (field && location.hash.length > 1) {
  field.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
}
