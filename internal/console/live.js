// Keeps the page as it is now. Without it the page is as it was when it was opened, and is reloaded for news.
"use strict";
(() => {
	const region = document.getElementById("live"), headline = document.getElementById("headline"), title = document.querySelector("h1");
	const at = document.getElementById("at"), state = document.getElementById("live-state");
	let source, later; // later: the next try, where one is due

	// show puts the page's new content into place. Where somebody is at a link, or marks a text, that stays.
	const show = (page) => {
		if (title.textContent !== page.title) { // it could not be shown before
			title.textContent = page.title;
			document.title = page.title + " · psagate";
		}
		if (headline.textContent !== page.headline) {
			headline.textContent = page.headline; // which is read out
		}
		headline.className = "headline " + page.danger;
		headline.hidden = page.headline === "";
		const marked = getSelection();
		if (!marked.isCollapsed && region.contains(marked.anchorNode)) {
			return false;
		}
		const focused = region.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
		region.innerHTML = page.body; // html/template has made it
		if (focused !== null) {
			const same = [...region.querySelectorAll("a")].find((a) => a.getAttribute("href") === focused);
			if (same) {
				same.focus({preventScroll: true});
			}
		}
		at.textContent = page.at;
		return true;
	};

	let waiting = null; // what came while a text was marked
	document.addEventListener("selectionchange", () => {
		if (waiting !== null && show(waiting)) {
			waiting = null;
		}
	});

	const listen = () => {
		source = new EventSource(region.dataset.live);
		source.addEventListener("open", () => { state.textContent = "This page is live."; });
		source.addEventListener("page", (e) => {
			const page = JSON.parse(e.data);
			waiting = show(page) ? null : page;
		});
		source.addEventListener("beat", (e) => {
			at.textContent = e.data;
			state.textContent = "This page is live.";
		});
		source.addEventListener("old", () => { state.textContent = "What is here cannot be read for now: it is as old as that."; });
		source.addEventListener("over", () => {
			source.close();
			state.textContent = "You are not signed in any more: reload the page.";
		});
		source.addEventListener("error", () => {
			if (source.readyState !== EventSource.CLOSED) {
				state.textContent = "The connection is lost, and is tried again.";
				return;
			}
			state.textContent = "This page is not live now: reload it for news.";
			later = setTimeout(listen, 30000);
		});
	};
	// Whoever comes back with the browser's back button finds it live again.
	addEventListener("pagehide", () => { clearTimeout(later); source.close(); });
	addEventListener("pageshow", (e) => { if (e.persisted) { listen(); } });
	listen();
})();
